"""What the commands say of themselves, paragraph by paragraph: English (on one line), Chinese.

The first sentence is what the list of commands shows.
"""

PAGES = {
    "巡店：检查店铺数据，发现问题就发消息。 Does the daily rounds of online stores: rules over store facts, alerts, messages.": (
        "巡店：检查店铺数据，发现问题就发消息。"
    ),
    "Make a new project in FOLDER: fact kinds, rules, templates, channels and schedules to start from.": (
        "在 FOLDER 里新建项目。里面有可以直接用的事实种类、规则、模板、渠道和时间表。"
    ),
    "With --format json: one object with folder and files, the paths in it.": (
        "加 --format json：一个对象，有 folder 和 files（各文件的路径）。"
    ),
    "Check facts.yaml, rules and their tests, channels, schedules, templates; show every problem with its place and what to do.": (
        "检查项目的文件写得对不对。看 facts.yaml、规则和测试、渠道、时间表、模板，一次列出所有问题，说明每个在哪里、怎么改。"
    ),
    "With --format json: one array of problems (file, line, column, width, code, message, hint).": (
        "加 --format json：一个数组，每个问题一项（file、line、column、width、code、message、hint）。"
    ),
    "Exit code 0: all is right. 1: problems were found. 2: the folder is no project.": (
        "退出码 0：全部正确。1：有问题。2：这个文件夹不是项目。"
    ),
    "List the rules of the project: name, title, fact kind (or incident), worst severity, owner, file and line.": (
        "列出项目的规则。每条有名称、标题、事实种类（或事件）、最高级别、负责人、文件和行号。"
    ),
    "List what conditions and shown values may hold: functions and operators, each with its meaning and an example.": (
        "列出条件和 show 里能写的函数和运算符。每一个都有说明和例子。"
    ),
    "List the kinds of fact that rules can judge; with KIND its columns: names, types, units, and the words for their values.": (
        "列出规则能检查的事实种类。写了 KIND 就列出它的列：列名、类型、单位，以及取值的写法。"
    ),
    "JSON Schemas of the project's files, by which editors complete, explain and check them; without NAME a list of them.": (
        "输出项目文件的 JSON Schema，编辑器靠它补全、解释和检查。不写 NAME 就列出有哪些。"
    ),
    (
        "With --write they go to .storewatch/schemas/, and the first line of every YAML file of the project names its schema, as VS"
        " Code's YAML extension wants it. Run it again when kinds, rules or contacts were added: their names are offered too."
    ): (
        "加 --write 就写到 .storewatch/schemas/，并在项目的每个 YAML 文件第一行写明用哪一个，VS Code 的 YAML 扩展就认得。新增了事实种"
        "类、规则或联系人以后再运行一次，它们的名字也会列入补全。"
    ),
    "With --format json: the list, or with --write one object with the files written.": (
        "加 --format json：有哪些的清单；同时加 --write 就是一个对象，列出写好的文件。"
    ),
    "Make a rule by answering questions (or by options), and tests of it: one that fires, one that stays quiet.": (
        "问几个问题（或用选项给出答案），写好一条规则和它的测试。测试有两个：一个会报警，一个不报警。"
    ),
    (
        "The rule is added at the end of rules/FILE, the tests beside it; nothing else in these files changes, and nothing is written"
        " before the rule has been checked and its tests have passed."
    ): "规则加在 rules/FILE 末尾，测试写在它旁边；这些文件里别的内容不变。规则检查过、测试通过以后才会写入。",
    "With --format json: one object with rule, files, and tests (how many there are; 0 when rows have to be filled in).": (
        "加 --format json：一个对象，有 rule、files 和 tests（测试的个数；要自己补数据时是 0）。"
    ),
    "Exit code 0: written. 2: an answer is wrong, the name is taken, or the project has mistakes.": (
        "退出码 0：已写入。2：答案不对、名称已被占用，或项目里有错误。"
    ),
    "Run the tests beside the rules (rules/*.test.yaml): rows over time in, expected alerts and messages out.": (
        "运行规则旁边的测试（rules/*.test.yaml）。测试给出几个时刻的数据，看告警和消息是否符合期望。"
    ),
    "Exit code 0: all passed. 1: a test failed, or the coverage is under the asked one. 2: a test file is wrong, or there is no test.": (
        "退出码 0：全部通过。1：有测试没通过，或覆盖率低于要求。2：测试文件有错误，或没有测试。"
    ),
    "Store what shops export: `storewatch ingest orders.csv --kind order`.": (
        "导入店铺的报表，如 storewatch ingest orders.csv --kind order。"
    ),
    (
        "Rows that cannot be read are listed under snapshots/_quarantine, the others are stored; with too many bad rows (max_bad in"
        " facts.yaml) nothing is. The same file a second time changes nothing."
    ): (
        "读不懂的行，列在 snapshots/_quarantine 里（隔离），其余的行照常保存；坏行太多（超过 facts.yaml 的 max_bad）就一行也不保存。同一"
        "个文件再导入一次，什么也不会变。"
    ),
    "Examples:": "例如：",
    "Exit code 0: stored (even if some rows were quarantined). 1: an export was refused. 2: wrong options or facts.yaml.": (
        "退出码 0：已保存（即使隔离了几行）。1：有报表未导入。2：选项或 facts.yaml 有错误。"
    ),
    "List what was ingested: for each kind and store the newest data, its age, and whether it still counts.": (
        "列出导入了哪些数据。每种事实、每家店一行：最新的数据是多久以前的，是否还有效。"
    ),
    "Remove batches (and lists of quarantined rows) that are older than --keep, or one bad batch.": (
        "删除早于 --keep 的批次（和隔离清单），或指定的一个坏批次。"
    ),
    "The newest batch of each kind and store stays. Where a rule looks further back than --keep, nothing is removed without --yes.": (
        "每种事实、每家店最新的批次会保留。如果有规则要用到 --keep 之前的数据，不加 --yes 就什么也不删除。"
    ),
    "Exit code 0: done. 2: wrong options. 3: the snapshot folder cannot be read or written.": (
        "退出码 0：完成。2：选项有错误。3：快照文件夹无法读写。"
    ),
    "Show what storewatch reads on pictures: the price, or why there is none to tell, and where it stands.": (
        "显示从图片上读到的价格。没有读到，就说明原因；读到了，就说明在图上的什么位置。"
    ),
    "Exit code 1 when one of them cannot be opened.": "退出码 1：有图片打不开。",
    "Example: storewatch look 主图.jpg https://img.example.com/1.jpg": "例如：storewatch look 主图.jpg https://img.example.com/1.jpg",
    "List the pictures and links of the newest data that could not be judged and that a person should look at.": (
        "列出最新数据里没能判断、需要人工查看的图片和链接。"
    ),
    "They raise no alert: what was not read is not known.": "它们不会报警：没读准的，就当作未知。",
    "Evaluate the rules once, note what changed, and send the messages.": "检查一遍规则，记下变化，发送消息。",
    "Running again for the same instant evaluates nothing, and only sends what still waits and may be told now.": (
        "对同一时刻再运行一次，不会重新检查，只发送还在等待、现在可以发的消息。"
    ),
    (
        "Exit code 0: all is well. 1: --fail-on. 2: the command line or a file of the project is wrong. 3: an evaluation or a delivery"
        " failed, now or before, so that messages wait."
    ): "退出码 0：一切正常。1：见 --fail-on。2：命令行或项目文件有错误。3：有检查或发送失败（这次的或以前的），还有消息在等待。",
    (
        "With --format json: one object with at, claimed (false: this instant was evaluated before), rules (rule, judged, matched,"
        " unknown, error), changes (rule, key, store_id, change, reason, severity ...), missing (kinds that never came, the stores,"
        " null for all, and the rules that are unknown for it), held (how many changes wait to be told, and until when), sent (null"
        " with --no-send), dead, waiting (queued, failed, next_attempt_at, sending, lease_until), failures and template_faults."
        " Messages of console channels then go to standard error."
    ): (
        "加 --format json：一个对象，有 at、claimed（false 表示这一时刻以前检查过）、rules（rule、judged、matched、unknown、error）、"
        "changes（rule、key、store_id、change、reason、severity……）、missing（从未报送的事实种类，涉及的店铺（null 是全部），以及因此未"
        "知的规则）、held（多少个变化在等待通知，等到什么时候）、sent（加了 --no-send 时是 null）、dead、waiting（queued、failed、"
        "next_attempt_at、sending、lease_until）、failures 和 template_faults。这时 console 渠道的消息写到标准错误。"
    ),
    "Replay the snapshots through the rules as they are now: alerts and messages by rule, by day, by owner.": (
        "用现在的规则回放快照，看会有哪些告警和消息。结果按规则、按天、按负责人列出。"
    ),
    (
        "The same matching, incidents, lifecycle, routing and rendering as live, with a state of its own that begins with no alert;"
        " messages are counted and can be written to files, nothing is sent, and nothing of the real state or the snapshots is changed."
        " Every message counts as delivered at once. Ctrl+C ends it early and tells what was found so far."
    ): (
        "匹配、事件、告警的开始和恢复、路由、消息内容都和真正运行时一样，但用的是一份单独的、从没有告警开始的状态。消息只计数，也可以写"
        "成文件；什么都不发送，真正的状态和快照都不改动。每条消息都当作立刻送达。按 Ctrl+C 可以提前结束，并显示到那时为止的结果。"
    ),
    "Exit code 0: done. 1: --fail-on. 2: the command line or a file of the project is wrong. 3: a rule could not be evaluated.": (
        "退出码 0：完成。1：见 --fail-on。2：命令行或项目文件有错误。3：有规则无法检查。"
    ),
    (
        "With --format json: one object with since, until, complete, evaluations, planned, rules, days, owners, alerts, notifications,"
        " not_told (changes that were not told, by reason)."
    ): (
        "加 --format json：一个对象，有 since、until、complete、evaluations、planned、rules、days、owners、alerts、notifications、"
        "not_told（没有通知的变化，按原因列出）。"
    ),
    "Replay what `run` and `serve` did, and compare alert for alert, message for message.": (
        "把 run 和 serve 做过的回放一遍，逐条核对告警和消息。"
    ),
    (
        "Each evaluation recorded the version of the project's files and the batches that it saw. All of them are done again since the"
        " records began, with silences, acknowledgements and deliveries as they were, and those of the last days are compared: changes"
        " of alerts with their values, what was told to whom in which thread, and what was not told and why. Nothing is changed."
    ): (
        "每次检查都记下了当时项目文件的版本和用到的批次。从有记录起的检查全部重做，静默、确认和发送结果都照当时的；然后比较最近几天的："
        "告警的变化和数值，在哪个会话里通知了谁什么，没有通知什么、为什么。什么都不改动。"
    ),
    "Exit code 0: no difference. 1: there are differences; the first ones are shown. 2: a file is wrong. 3: it cannot be verified.": (
        "退出码 0：没有差别。1：有差别，会显示最前面的几处。2：文件有错误。3：无法核对。"
    ),
    (
        "With --format json: one object with since, evaluations, transitions, notifications, lost (batches that were pruned) and"
        " differences."
    ): ("加 --format json：一个对象，有 since、evaluations、transitions、notifications、lost（已删除的批次）和 differences。"),
    "Evaluate the rules as schedules.yaml says, and send the messages, until told to stop. Runs in the foreground.": (
        "按 schedules.yaml 检查规则、发送消息。一直在前台运行，直到让它停止。"
    ),
    (
        "Changes of the project's files are taken up when all of them are right; SIGHUP reads them at once. While they are wrong, the"
        " old ones stay in force, and the log tells every problem."
    ): "项目文件改动以后，全部正确才会生效；发送 SIGHUP 就立刻重新读取。文件有错误期间继续用原来的，日志会列出每个问题。",
    (
        "Exports that are put into inbox/ (or inbox/KIND/, inbox/KIND/STORE/) are ingested when they have not changed for 5 seconds,"
        " and moved to inbox/done/ or, with a text that says why, to inbox/refused/."
    ): (
        "放进 inbox/（或 inbox/KIND/、inbox/KIND/STORE/）的报表，5 秒没有变化就会导入，然后移到 inbox/done/；不能导入的移到"
        " inbox/refused/，旁边的文本文件说明原因。"
    ),
    "SIGTERM or SIGINT (Ctrl+C): finish what is in hand, within 10 seconds, and exit with 0; a second one ends it at once.": (
        "SIGTERM 或 SIGINT（Ctrl+C）：在 10 秒内做完手上的事，以 0 退出；再来一次就立刻结束。"
    ),
    (
        "One serve for a SQLite file (state.db); on PostgreSQL (STOREWATCH_STATE) several may share the work. `storewatch run` may be"
        " used beside it: they take turns."
    ): (
        "一个 SQLite 文件（state.db）只能有一个 serve；用 PostgreSQL（STOREWATCH_STATE）时可以有几个一起分担。可以同时使用 storewatch"
        " run，它们会轮流进行。"
    ),
    (
        "Over HTTP: /-/healthy, /-/ready, /-/status, /metrics (Prometheus), and POST /-/reload. Everybody who reaches the address can"
        " ask for these, so it is the machine's own by default; see docs/operations.md."
    ): (
        "通过 HTTP 提供 /-/healthy、/-/ready、/-/status、/metrics（Prometheus）和 POST /-/reload。能访问这个地址的人都能用，所以默认只"
        "对本机开放；见 docs/operations.md。"
    ),
    (
        "Log lines go to standard error, without secrets. Exit code 0: stopped. 2: the command line or a file of the project is wrong,"
        " or another serve has the database. 3: the database cannot be used."
    ): ("日志写到标准错误，不含密码和密钥。退出码 0：已停止。2：命令行或项目文件有错误，或另一个 serve 占用了数据库。3：数据库无法使用。"),
    (
        "How storewatch itself fares: daemons, schedules, failing rules, old data, what waits on each channel, open alerts, silences in"
        " force."
    ): ("显示 storewatch 自己运行得怎么样。包括守护进程、时间表、失败的规则、过期的数据、各渠道等待的消息、未恢复的告警、生效的静默。"),
    "Asks the state database, so it works whether a daemon runs or not, on any machine that reaches the database.": (
        "状态从数据库里查，所以守护进程是否在运行都能用，任何能连上数据库的机器都能用。"
    ),
    (
        "Exit code 0: nothing fails (no daemon need run). 3: a daemon fell silent or is overdue, files of the project are wrong, a disk"
        " is nearly full, a rule's last evaluation failed, or messages on a channel fail or were given up within the last day."
    ): (
        "退出码 0：没有失败（不要求守护进程在运行）。3：守护进程没有动静或误了时刻、项目文件有错误、磁盘快满、有规则最近一次检查失败，"
        "或最近一天内有渠道的消息发送失败、被放弃。"
    ),
    (
        "With --format json: one object with well, failing (sentences), daemons, schedules, rules (that fail), stale (kinds), channels,"
        " alerts, silences."
    ): (
        "加 --format json：一个对象，有 well、failing（几句说明）、daemons、schedules、rules（失败的）、stale（事实种类）、channels、"
        "alerts、silences。"
    ),
    "What is wrong now: pending and firing alerts, the most severe first.": "列出现在的问题：等待中和报警中的告警，最严重的在前。",
    "With --format json: one array; `values` are objects with label (zh, en), value, type and unit.": (
        "加 --format json：一个数组；values 是对象，有 label（zh、en）、value、type 和 unit。"
    ),
    "Say that somebody has taken up an alert: no reminders and no escalation until it resolves or becomes more severe.": (
        "确认告警已有人处理：恢复或加重之前不再提醒、不再升级通知。"
    ),
    "End a firing alert by hand; those who were told that it fires are told so.": (
        "手动结束一个报警中的告警。收到过这个告警的人会收到通知。"
    ),
    "It stays closed, whatever the data says, until its condition was false once; then it may fire again.": (
        "不管数据怎样，它都保持关闭，直到条件有一次不成立；以后才会再报。"
    ),
    "Say of an alert, while it fires or afterwards, whether it was useful or noise: `storewatch tune` compares with that.": (
        "标注一个告警有用还是噪音，给 storewatch tune 作参考。报警期间和以后都可以标注。"
    ),
    "Nothing that is told depends on it. What is said of one firing of an alert again replaces what was said before.": (
        "不影响发消息。对同一个告警的同一次报警再标注，就代替以前的标注。"
    ),
    "What was sent, what waits to be sent, and what could not be sent, with the reason and the next attempt.": (
        "列出发出的、等待发送的和没能发出的消息，以及原因和下次尝试的时间。"
    ),
    (
        "A message that is being sent shows until when its process may take; after that another one sends it. With --format json: one"
        " array."
    ): ("正在发送的消息会显示最晚到什么时候；过了这个时间，由另一个进程发送。加 --format json：一个数组。"),
    "Why a rule is true, false or unknown for one row: every clause with its value and where that came from, then what was done.": (
        "说明一条规则对某一行为什么成立、不成立或未知。列出每个条件的值和它的来源，以及后来做了什么。"
    ),
    "Works for rows that did not fire, that are gone, and for stale data. Nothing is stored or sent.": (
        "没有报警的行、已消失的行、过期的数据，都能说明。什么都不保存，也不发送。"
    ),
    "What became of an alert: its changes with their reasons, every message about it and its delivery, what was not told and why.": (
        "说明一个告警的来龙去脉。列出每次变化和原因，每条消息和发送结果，没有通知什么、为什么。"
    ),
    "Show the message of a rule: subject and text, and on request the HTML or a picture of it.": (
        "预览一条规则的消息：主题和正文，需要时还有 HTML 或它的图片。"
    ),
    (
        "Made of real data where a row matches, else of made-up values. --lang before the command chooses the language. Nothing is"
        " stored or sent. Exit code 1: the template has a mistake, and the plain message stands in for it."
    ): (
        "有匹配的行就用真实数据，没有就用虚构的数值。语言由写在命令之前的 --lang 决定。什么都不保存，也不发送。退出码 1：模板有错误，显"
        "示的是代替它的简单消息。"
    ),
    "Send a marked test message of a rule to those who would be told, and print what became of it, recipient by recipient.": (
        "给一条规则该通知的人发一条标明“演练”的消息，并逐个列出结果。"
    ),
    (
        "It takes the rule's own route, templates and the outbox, of a row that matches now or of made-up values. No alert begins. What"
        " cannot be sent at once is withdrawn. Exit code 3: somebody did not get it."
    ): (
        "用这条规则自己的路由、模板和发件箱，数据是现在匹配的一行，或虚构的数值。不会产生告警。不能马上发出的就撤回。退出码 3：有人没收到。"
    ),
    "Replay the same history under two versions of the project, and tell which alerts and notifications come, go, or change.": (
        "用项目的两个版本回放同一段历史，比较告警和通知。列出多了哪些、少了哪些、变了哪些。"
    ),
    (
        "The newer version is the project's folder as it is now; the older one is read out of git without touching the working tree."
        " Both see the same snapshots, which need not be in git. A rule that was only renamed is told as renamed."
    ): (
        "新版本是项目文件夹现在的样子；旧版本从 git 里读取，不动工作区。两者用同一份快照，快照不必在 git 里。只是改了名字的规则，会说明"
        "是改名。"
    ),
    (
        "With --format json: base, head, days, rules (each with its figures), renamed, alerts and notifications (each difference: side,"
        " rule, key, what changed, before, after), budgets."
    ): (
        "加 --format json：有 base、head、days、rules（每条规则的数字）、renamed、alerts 和 notifications（每处差别：side、rule、key、"
        "变了什么、before、after）、budgets。"
    ),
    "Exit code 0: done. 1: over a budget. 2: the command line or a file of either version is wrong. 130: interrupted.": (
        "退出码 0：完成。1：超出 --budget 的上限。2：命令行或某个版本的文件有错误。130：已中断。"
    ),
    (
        "Replay one rule over history with other numbers: messages a day for each, and, where it is known which alerts are right,"
        " precision, recall and delay. Suggests one, and says why. The rule's file is not changed."
    ): (
        "换几组数字把一条规则回放一遍，比较哪组合适。列出每组每天会发多少消息；如果知道哪些告警是对的，还有精确率、召回率和延迟。会推荐"
        "一组，并说明理由。规则文件不改动。"
    ),
    (
        "NAME is a parameter of the rule (params), a name that it uses (let), for, keep_firing_for, or a number, percentage or duration"
        " just as the rule writes it: then every place where it stands is varied."
    ): (
        "NAME 可以是规则的参数（params）、它用到的名字（let）、for、keep_firing_for，或规则里原样写着的一个数字、百分比或时长：它出现的"
        "每一处都会一起改。"
    ),
    (
        "Known are the incidents of --labels (all there were: any other alert is noise), or else what people said of alerts by"
        " `storewatch label` (of other alerts nothing is known: they count neither as right nor as wrong)."
    ): (
        "哪些告警是对的，看 --labels 列出的异常（要列全：此外的告警都算噪音）；没有这个文件，就看大家用 storewatch label 作的标注（没有"
        "标注的告警不算对，也不算错）。"
    ),
    "Only this rule is evaluated: incidents that would explain its alerts away are not looked for.": (
        "只检查这条规则：不看有没有事件可以解释它的告警。"
    ),
    "Exit code 0: done. 2: the command line, the rule with one of the values, or a file is wrong. 130: interrupted.": (
        "退出码 0：完成。2：命令行、换了数字以后的规则或文件有错误。130：已中断。"
    ),
    "Write exports of made-up stores, as their platforms would, with planted incidents.": (
        "生成虚构店铺的报表，和平台导出的一样，其中植入了异常。"
    ),
    "manifest.csv lists the files in order, instants.csv when to evaluate, incidents.csv what is to be found, from when to when.": (
        "manifest.csv 按先后列出文件，instants.csv 列出要检查的时刻，incidents.csv 列出应当发现的异常和起止时间。"
    ),
    (
        "With --rules all (or any rule beside the usual five) the sheets have every column that the rules read, orders come in one"
        " sheet for all stores, as from a company's own order system, and incidents.csv tells the truth about all rules: also what"
        " follows from an incident (its note is empty). causes.csv beside it tells what only several incidents of a store together"
        " show; --causes plants it."
    ): (
        "加 --rules all（或写了常用五条以外的规则）时，表里有规则用到的所有列，所有店铺的订单在一张表里，像公司自己的订单系统导出的那"
        "样；incidents.csv 列出所有规则的真实情况，连同由异常带来的（其 note 为空）。旁边的 causes.csv 列出一家店要几个异常合在一起才看"
        "得出的原因，由 --causes 植入。"
    ),
    "Ingest sample exports day by day, evaluate all rules, mail through a local SMTP server, and show what was sent.": (
        "演示：逐日导入样例报表，检查规则，发送邮件。检查的是所有规则，邮件发到本机的 SMTP 服务器，最后列出发了什么。"
    ),
    "Every mail is kept as an .eml file in FOLDER/mails. Ends with precision and recall against the incidents planted in the samples.": (
        "每封邮件都存成 FOLDER/mails 里的 .eml 文件。最后对照样例里植入的异常，给出精确率和召回率。"
    ),
    "Tell which optional parts are installed, what each is for, and how to install it.": "列出可选组件是否已安装、有什么用、怎样安装。",
    "Exit code 1 when something is missing that this project needs.": "退出码 1：缺少本项目需要的组件。",
    "Do not tell of some alerts for a while: add, list, expire.": "静默：一段时间内不通知某些告警。可以添加、列出、提前结束。",
    "Silence the alerts that all the matchers match: label=value, label!=value, label=~regex, label!~regex.": (
        "添加静默：符合所有条件的告警暂不通知。条件写成 label=value、label!=value、label=~regex 或 label!~regex。"
    ),
    (
        "Alerts are still evaluated. One that still fires when the silence ends is told then; one that began and ended meanwhile never"
        " is. Labels are alert, severity, owner, area, store_id, key columns, and the rules' own."
    ): (
        "告警照常检查。静默结束时还在报警的，到时候再通知；静默期间开始又结束的，不再通知。能用的标签有 alert、severity、owner、area、"
        "store_id、主键列，以及规则自己的标签。"
    ),
    "The silences that are active or still to come, and how many firing alerts each covers now.": (
        "列出生效中和将要生效的静默，以及每个静默现在盖住多少个报警中的告警。"
    ),
    "End a silence now: what it held back and still fires is told by the daemon or by the next run.": (
        "立即结束一个静默。压下而仍在报警的，由守护进程或下一次 run 通知。"
    ),
    "The routes of channels.yaml, with what each takes from above; `routes test` tries labels.": (
        "显示 channels.yaml 里的路由，以及每条从上级继承了什么。用 routes test 可以试标签。"
    ),
    "Where a new alert with these labels would go: the routes that take it, who would be told, whether now or when, and why.": (
        "试一试：带这些标签的新告警会发给谁。列出接下它的路由、收到通知的人、马上发还是等到什么时候，以及原因。"
    ),
    "With `alert=RULE` the labels of that rule are filled in. Exit code 1: the receivers are not those of --expect.": (
        "写 alert=RULE，就自动带上那条规则的标签。退出码 1：接收者和 --expect 的不一样。"
    ),
}
