"""What options and arguments say of themselves: English, Chinese."""

OPTIONS = {
    "Project folder (facts.yaml, rules/, ...).": "项目文件夹（里面有 facts.yaml、rules/ 等）。",
    "Language of messages: zh or en. Default: by locale.": "命令行提示的语言：zh 或 en。不写就看系统语言。",
    "table, or json for programs.": "table 是表格；json 给程序用。",
    "Show the version and exit.": "显示版本并退出。",
    "Folder of the new project; must be empty or not exist.": "新项目的文件夹，必须是空的，或还不存在。",
    "Print a page that describes every rule.": "输出一页文档，介绍每条规则。",
    "Only this function or operator, or those that the word tells of: 平均.": "只看这个函数或运算符；也可以按意思找，如 平均。",
    "Print a page that describes the language.": "输出一页文档，介绍规则语言。",
    "Only this kind, with its columns; the Chinese title will do.": "只看这种事实和它的列；可以写中文名。",
    "Print a page that describes all kinds.": "输出一页文档，介绍所有事实种类。",
    "facts, rules, tests, schedules or channels: print this JSON Schema.": (
        "facts、rules、tests、schedules 或 channels：输出这一个 JSON Schema。"
    ),
    "Put all schemas into the project, and a line naming them into its files.": (
        "把所有 JSON Schema 写进项目，并在项目的文件里各加一行指明。"
    ),
    "What to make: rule.": "要新建什么：rule（规则）。",
    "Name: lower-case letters, digits and _.": "名称：小写字母、数字和下划线。",
    "Title in messages; with --title-en the Chinese one.": "消息里的标题；写了 --title-en 时，这是中文标题。",
    "English title.": "英文标题。",
    "Fact kind whose rows are judged; its Chinese title will do.": "检查哪种事实的每一行；可以写中文名。",
    "Condition, such as 'dsr_desc < 4.7'.": "条件，如 'dsr_desc < 4.7'。",
    "How long it must hold, such as 2d; default: at once.": "要持续成立多久才报，如 2d；不写就马上报。",
    "info, warning or critical; default: warning.": "级别：info、warning 或 critical；不写就是 warning。",
    "A name under contacts of channels.yaml.": "负责人：channels.yaml 里 contacts 下的名字。",
    "The label area.": "标签 area（领域）。",
    "File under rules/; default: my.yaml.": "rules/ 下的文件；不写就是 my.yaml。",
    "Ask nothing: take the options, and the defaults of what is not given.": "不提问：用选项给出的答案，没给的用默认值。",
    "Only tests whose file, rule or title matches this regular expression.": "只运行文件、规则或标题符合这个正则表达式的测试。",
    "Tell which clauses no test has seen true, or false.": "列出哪些条件没有测试测到过成立，或不成立。",
    "Exit with 1 when the coverage is under this percentage.": "覆盖率低于这个百分比时，以 1 退出。",
    "Write the results as JUnit XML to this file.": "把结果以 JUnit XML 写到这个文件。",
    "Exports (CSV, xlsx, xls, JSON, JSON lines, Parquet) or a database URL.": (
        "报表（CSV、xlsx、xls、JSON、JSON lines、Parquet），或数据库的 URL。"
    ),
    "Kind of fact, e.g. order; may be repeated. Default: by the headings.": "事实种类，如 order；可以写几次。不写就按表头认。",
    "When it was exported: 2026-11-20 (end of that day) or 2026-11-20T18:00:00.": (
        "数据时间：2026-11-20（当天结束时）或 2026-11-20T18:00:00。"
    ),
    "The store of all rows. Default: the store column.": "所有行都属于这家店。不写就看店铺列。",
    "The export speaks for every store: one without rows has none.": "报表包括所有店铺：没有行的店铺就是没有数据。",
    "The query, when FILE is a database URL.": "FILE 是数据库的 URL 时，要执行的查询。",
    "Folder of the pictures that rows name by path. Default: that of the export.": (
        "图片所在的文件夹，用于行里写的图片路径。不写就是报表所在的文件夹。"
    ),
    "Accept an export without rows: there is nothing to report.": "接受没有行的报表：表示没有要报的内容。",
    "Every batch by itself, with its id.": "逐个列出批次和它的编号。",
    "How long to keep batches, e.g. 400d or 8w; at least 1d.": "批次保留多久，如 400d 或 8w；至少 1d。",
    "Also the newest batch of a store, when it is that old.": "够旧的话，店铺最新的批次也删除。",
    "Remove this one batch (ids: storewatch snapshots --all).": "删除这一个批次（编号见 storewatch snapshots --all）。",
    "Only show what would be removed.": "只显示将会删除什么。",
    "Remove it, although it cannot be undone and rules may need it.": "确认删除：删除后不能恢复，规则也可能要用。",
    "Pictures: files, or http(s) addresses.": "图片：文件，或 http(s) 地址。",
    "Folder for copies with boxes drawn: grey what was found, blue the price.": (
        "画框后的图片放在哪个文件夹：灰框是找到的文字，蓝框是价格。"
    ),
    "What prices on the pictures are in: CNY, USD, EUR or GBP.": "图上价格的币种：CNY、USD、EUR 或 GBP。",
    "Only this kind.": "只看这种事实。",
    "Instant to evaluate (project time zone): 2026-11-20T09:30, or a day for its end. Default: now.": (
        "检查的时刻（项目时区）：2026-11-20T09:30，或写日期表示当天结束时。不写就是现在。"
    ),
    "Only this rule; may be given several times.": "只看这条规则；可以写几次。",
    "Send what is due after the evaluation.": "检查之后发送该发的消息。",
    "Exit with 1 when an alert of this severity or above is firing.": "有这个级别或更严重的告警在报警时，以 1 退出。",
    "Also a table of what each rule judged.": "另外列出每条规则判断了多少行。",
    "Evaluate and send even for an instant in the future.": "即使时刻在将来，也检查并发送。",
    "First day or instant (project time zone).": "第一天，或开始的时刻（项目时区）。",
    "Last day or instant. Default: now.": "最后一天，或结束的时刻。不写就是现在。",
    "So many days up to --to. Default: 30.": "到 --to 为止的多少天。不写就是 30。",
    "Only these rules: names with commas between. Incidents are looked for as always.": "只看这些规则：名称之间用逗号。事件照常检查。",
    "Tell of these stores only: ids with commas between.": "只列出这些店铺：编号之间用逗号。",
    "Evaluate all rules so often (1d, 6h, 30m), not as schedules.yaml says.": (
        "每隔多久检查所有规则（1d、6h、30m），不按 schedules.yaml。"
    ),
    "Evaluate wherever the data of a rule changes.": "规则用到的数据每变化一次就检查。",
    "One evaluation now, from the real state: what would happen next.": "现在检查一次，从真正的状态开始：看接下来会怎样。",
    "Write rules, days, owners, alerts, notifications as CSV here.": "把规则、日期、负责人、告警、通知写成 CSV，放在这里。",
    "Write JUnit XML to this file: a test case for each rule.": "把 JUnit XML 写到这个文件：每条规则一个测试用例。",
    "Write every message into this folder, as it would be sent.": "把每条消息照发送的样子写进这个文件夹。",
    "Write one HTML page with everything to this file.": "把全部内容写成一个 HTML 网页。",
    "Messages that the page shows just as they would be sent; the others are only listed.": "网页里照原样显示多少条消息；其余的只列出。",
    "Exit with 1 when an alert of this severity or above fired.": "有这个级别或更严重的告警报过警时，以 1 退出。",
    "Compare the evaluations of so many days up to now.": "核对到现在为止多少天的检查。",
    "Send messages; without it they wait in the outbox, for another process.": "发送消息；不发送时，消息在发件箱里等别的进程发送。",
    "Folder whose exports are ingested. Default: as schedules.yaml says, else inbox/.": (
        "自动导入这个文件夹里的报表。不写就按 schedules.yaml，那里也没有就是 inbox/。"
    ),
    "Where health and metrics are served; '' for nowhere.": "在哪个地址提供健康检查和指标；写 '' 就不提供。",
    "Log lines for people or for programs.": "日志的格式：给人看，或给程序用。",
    "What is logged, from this level on.": "从这个级别起写日志。",
    "Also alerts that are over.": "也列出已结束的告警。",
    "Only this store.": "只看这家店。",
    "Id of the alert or its beginning, or RULE/KEY (see `storewatch alerts`).": (
        "告警的编号或编号的开头，或 RULE/KEY（见 storewatch alerts）。"
    ),
    "Who has taken it up.": "谁在处理。",
    "What is being done.": "正在怎么处理。",
    "Take the acknowledgement back.": "撤销确认。",
    "Who says so.": "是谁说的。",
    "Why.": "原因。",
    "useful, noise, or none to take the label back.": "useful（有用）、noise（噪音），或 none（取消标注）。",
    "Which time it fired, from 1. Default: the last.": "第几次报警，从 1 数起。不写就是最近一次。",
    "List the labels there are; with a rule as ALERT, its.": "列出已有的标注；ALERT 写规则名，就只列这条规则的。",
    "Only queued, sending, delivered or dead.": "只看 queued（等待）、sending（发送中）、delivered（已送达）或 dead（已放弃）。",
    "Queue the dead letters again.": "把已放弃的消息重新排队。",
    "At most so many, the newest first.": "最多列出多少条，新的在前。",
    "Name of the rule.": "规则的名称。",
    "Key of the row; once for each key column, or all joined by '/'.": "这一行的主键；有几个主键列就写几次，或用 '/' 连起来。",
    "Instant, such as 2026-11-20T09:30 (project time zone). Default: now.": "时刻，如 2026-11-20T09:30（项目时区）。不写就是现在。",
    "Id of the alert or its beginning, or RULE/KEY (see `storewatch alerts --all`).": (
        "告警的编号或编号的开头，或 RULE/KEY（见 storewatch alerts --all）。"
    ),
    "Key of the row. Default: the most severe row that matches now.": "这一行的主键。不写就是现在匹配的行里最严重的一行。",
    "What the message tells: firing, repeat or resolved.": "消息要说什么：firing（报警）、repeat（提醒）或 resolved（恢复）。",
    "Show what leaves over this channel: markdown of a chat, JSON of a webhook.": (
        "显示从这个渠道发出的内容：聊天的 markdown，webhook 的 JSON。"
    ),
    "Write the HTML part to this file, with its pictures inside.": "把 HTML 部分连同图片写到这个文件。",
    "Write a picture (PNG) of the HTML part to this file; needs Chromium.": "把 HTML 部分画成图片（PNG），写到这个文件；需要 Chromium。",
    "Only over these channels.": "只用这些渠道。",
    "To this receiver instead of the one that the routes choose.": "发给这个接收者，不按路由选。",
    "What to compare with: a git revision, or another project's folder. Default: main.": (
        "和什么比较：git 的版本，或另一个项目的文件夹。不写就是 main。"
    ),
    "So many days up to --to. Default: 90.": "到 --to 为止的多少天。不写就是 90。",
    "Only these rules: names with commas between.": "只看这些规则：名称之间用逗号。",
    "Exit with 1 above it: '+10 notifications/day', '+5% alerts', '200 notifications/week'.": (
        "超出上限时以 1 退出，如 '+10 notifications/day'、'+5% alerts'、'200 notifications/week'。"
    ),
    "Markdown for a pull request.": "输出 Markdown，用于合并请求。",
    "Alerts and notifications that are listed one by one.": "最多逐条列出多少个告警和通知。",
    "NAME=LOW..HIGH step STEP, or NAME=VALUE,VALUE; several: all combinations.": (
        "NAME=LOW..HIGH step STEP，或 NAME=VALUE,VALUE；写几次就试所有组合。"
    ),
    "Evaluate the rule so often (1d, 6h, 30m), not as schedules.yaml says.": "每隔多久检查这条规则（1d、6h、30m），不按 schedules.yaml。",
    "Evaluate wherever the data of the rule changes.": "规则用到的数据每变化一次就检查。",
    "CSV of all incidents there were: rule, store_id, key, starts_at, ends_at. Default: storewatch label.": (
        "列出所有异常的 CSV：rule、store_id、key、starts_at、ends_at。不写就用 storewatch label 的标注。"
    ),
    "Suggest nothing that sends more messages a day.": "不推荐每天消息比这更多的。",
    "Write a picture (PNG) to this file.": "把图片（PNG）写到这个文件。",
    "Where to write; must be empty or new.": "写到哪个文件夹，必须是空的或新的。",
    "Number of stores.": "店铺的数量。",
    "Number of days.": "天数。",
    "The same seed gives the same files.": "种子相同，生成的文件就相同。",
    "First day.": "第一天。",
    "Whose exports, with commas between; stores take turns.": "哪些平台的报表，用逗号分开；店铺轮流用。",
    "Incidents planted for each rule.": "每条规则植入多少个异常。",
    "Export all fifteen kinds of fact.": "导出全部十五种事实。",
    "Rules whose incidents are planted: names with commas between, or `all`.": "给哪些规则植入异常：名称之间用逗号，或写 all。",
    "Root causes planted of each kind: incidents that come together in one store.": (
        "每种根本原因植入多少个：同一家店里一起出现的几个异常。"
    ),
    "Paint the prices on pictures of products (and, with --rules, of banners), for storewatch to read.": (
        "把价格画在商品图上（加 --rules 时也画在横幅图上），让 storewatch 去读。"
    ),
    "Write into a folder that is not empty; its other files stay.": "写进不是空的文件夹；里面别的文件保留。",
    "New folder for the demo's project and its mails.": "放演示项目和邮件的新文件夹。",
    "Folder made by `storewatch simulate`. Default: the shipped samples.": "storewatch simulate 生成的文件夹。不写就用自带的样例。",
    "Replace the folder if it is there.": "文件夹已存在时替换它。",
    "Conditions on labels, such as alert=dsr_drop store_id=S1.": "标签的条件，如 alert=dsr_drop store_id=S1。",
    "How long, such as 30m, 2h, 3d.": "静默多久，如 30m、2h、3d。",
    "Or until when (project time zone), such as 2026-11-12T00:00.": "或静默到什么时候（项目时区），如 2026-11-12T00:00。",
    "From when on. Default: now.": "从什么时候开始。不写就是现在。",
    "Who asks for it.": "谁要求的。",
    "Also those that are over.": "也列出已结束的。",
    "Id, as `storewatch silence list` shows it.": "编号，见 storewatch silence list。",
    "Print the tree; the default.": "显示路由树；不写也一样。",
    "Labels of an alert: severity=critical owner=service ...": "告警的标签，如 severity=critical owner=service。",
    "Instant (project time zone), such as 2026-11-11T23:00. Default: now.": "时刻（项目时区），如 2026-11-11T23:00。不写就是现在。",
    "Receiver that must be told; may be given several times, for all of them.": "必须通知到的接收者；可以写几次，列全。",
    "Show this message and exit.": "显示这段说明并退出。",
}
