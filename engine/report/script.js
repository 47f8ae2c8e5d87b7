'use strict';
const DATA = JSON.parse(document.getElementById('data').textContent);
const W = DATA.words, TONES = ['info', 'warning', 'critical', 'over'], STEP = 50, TRACKS = 25;
const [RULE, STORE, KEY, FIRED, ENDED, SEVERITY, DAY] = [0, 1, 2, 3, 4, 5, 6];
const main = document.getElementById('main');
const chosen = {rule: -1, store: -1, severity: -1, day: -1, text: ''};

// Everything that comes from data goes in as text, never as markup.
function make(name, about = {}, ...inside) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(about)) key.startsWith('on') ? node.addEventListener(key.slice(2), value) : node.setAttribute(key, value);
  node.append(...inside.filter(each => each !== ''));
  return node;
}
function draw(name, about, ...inside) {
  const node = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [key, value] of Object.entries(about)) node.setAttribute(key, value);
  node.append(...inside);
  return node;
}
const section = (name, ...inside) => main.appendChild(make('section', {}, make('h2', {}, name), ...inside));
const clock = new Intl.DateTimeFormat(DATA.language === 'zh' ? 'zh-CN' : 'en-GB',
  {timeZone: DATA.zone, year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', hourCycle: 'h23'});
function when(seconds) {
  const part = Object.fromEntries(clock.formatToParts(seconds * 1000).map(each => [each.type, each.value]));
  return `${part.year}-${part.month}-${part.day} ${part.hour}:${part.minute}`;
}
const storeName = number => { const [id, name] = DATA.stores[number]; return name && name !== id ? `${name} (${id})` : ['', '*'].includes(id) ? W.project_wide : id; };
const dots = (tone, label) => make('span', {}, make('span', {class: `dot ${tone}`}), label);

const blocks = new Map();
async function unpacked(name, number) {
  const place = DATA.sizes[name === 'alerts' ? 0 : 1], id = `${name}-${Math.floor(number / place)}`;
  if (!blocks.has(id)) {
    const bytes = Uint8Array.from(atob(document.getElementById(id).textContent), each => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('deflate-raw'));
    blocks.set(id, new Response(stream).json());
  }
  return (await blocks.get(id))[number % place];
}

// Counts by day and tone, stacked.
function byDay(items, day, tone) {
  const counts = DATA.days.map(() => [0, 0, 0, 0]);
  for (const each of items) counts[each[day]][each[tone]]++;
  return counts;
}
function chart(counts, height, labels, click) {
  const box = make('div');
  const paint = () => {
    const width = Math.max(120, box.clientWidth), step = width / counts.length, bar = Math.max(.6, step * .8);
    const totals = counts.map(each => each.reduce((a, b) => a + b)), most = Math.max(1, ...totals), top = labels ? 22 : 2, floor = height - (labels ? 20 : 1);
    const svg = draw('svg', {viewBox: `0 0 ${width} ${height}`, height, role: 'img'});
    svg.append(draw('line', {x1: 0, x2: width, y1: floor, y2: floor, class: 'grid'}));
    counts.forEach((each, day) => {
      let y = floor;
      TONES.forEach((tone, index) => {
        const tall = each[index] / most * (floor - top);
        if (tall) svg.append(draw('rect', {x: day * step + (step - bar) / 2, y: y -= tall, width: bar, height: tall, class: tone}));
      });
    });
    if (labels) {
      const peak = totals.indexOf(most), place = (peak + .5) * step;
      if (peak >= 0) {
        const side = place < width * .2 ? 'start' : place > width * .8 ? 'end' : 'middle';
        svg.append(draw('text', {x: place, y: floor - (floor - top) - 6, 'text-anchor': side}, `${DATA.days[peak].slice(5)}: ${most}`));
      }
      const every = Math.ceil(counts.length / Math.max(2, Math.floor(width / 90)));
      for (let day = 0; day < counts.length && day * step < width - 36; day += every)
        svg.append(draw('text', {x: day * step, y: height - 4}, DATA.days[day].slice(5)));
    }
    counts.forEach((each, day) => {
      const hit = draw('rect', {x: day * step, y: 0, width: step, height: floor, class: 'hit'}, draw('title', {}, `${DATA.days[day]}: ${totals[day]}`));
      if (click) hit.addEventListener('click', event => { event.stopPropagation(); click(day); });
      svg.append(hit);
    });
    box.replaceChildren(svg);
  };
  whenSeen(box, height, paint);
  return box;
}

// Pictures are drawn when they come into sight, and again when their width changes.
const seen = new IntersectionObserver(entries => {
  for (const {isIntersecting, target} of entries) if (isIntersecting) { seen.unobserve(target); target.paint(); sizes.observe(target); }
}, {rootMargin: '400px'});
const sizes = new ResizeObserver(entries => {
  for (const {target} of entries) if (target.drawn !== target.clientWidth) { target.drawn = target.clientWidth; target.paint(); }
});
function whenSeen(box, height, paint) {
  box.style.minHeight = `${height}px`;
  box.paint = () => { box.drawn = box.clientWidth; paint(); };
  seen.observe(box);
}

function cards() {
  const days = DATA.days.length, sent = DATA.sent.length;
  const totals = byDay(DATA.alerts, DAY, SEVERITY).map(each => each.reduce((a, b) => a + b, 0)), most = Math.max(0, ...totals);
  const values = [[DATA.alerts.length, W.alerts], [sent, W.notifications], [(sent / days).toFixed(1), W.per_day],
    [DATA.stores.length, W.stores], ...(most ? [[DATA.days[totals.indexOf(most)].slice(5), `${W.busiest}: ${most} ${W.new_alerts}`]] : [])];
  main.append(make('div', {class: 'cards'}, ...values.map(([value, name]) => make('div', {}, make('b', {}, String(value)), make('span', {}, name)))));
}
const legend = tones => make('div', {class: 'legend'}, ...tones.map(tone => dots(tone, W[tone])));

function timeline() {
  const rows = new Map();
  for (const each of DATA.alerts) rows.has(each[STORE]) ? rows.get(each[STORE]).push(each) : rows.set(each[STORE], [each]);
  const order = [...rows.entries()].sort((a, b) => b[1].length - a[1].length);
  const box = make('div'), more = make('button', {class: 'more', onclick: () => add()}, W.more);
  let shown = 0;
  function add() {
    for (const [store, alerts] of order.slice(shown, shown += TRACKS)) {
      const line = make('div');
      whenSeen(line, 18, () => line.replaceChildren(track(alerts, line.clientWidth)));
      box.append(make('div', {class: 'track', title: storeName(store), onclick: () => choose({store})},
        make('span', {}, storeName(store)), line, make('span', {}, String(alerts.length))));
    }
    more.hidden = shown >= order.length;
  }
  add();
  section(W.timeline, scale(), box, legend(TONES.slice(0, 3).reverse()), more);
}
function scale() {
  const line = make('div');
  whenSeen(line, 16, () => {
    const width = line.clientWidth, svg = draw('svg', {viewBox: `0 0 ${width} 16`, height: 16});
    const every = Math.ceil(DATA.days.length / Math.max(2, Math.floor(width / 80)));
    for (let day = 0; day < DATA.days.length && day / DATA.days.length * width < width - 36; day += every) svg.append(draw('text', {x: day / DATA.days.length * width, y: 12}, DATA.days[day].slice(5)));
    line.replaceChildren(svg);
  });
  return make('div', {class: 'track', style: 'border:0;cursor:default;background:none'}, make('span'), line, make('span'));
}
// One store: for each pixel the worst that fires, so that ten thousand alerts are as few marks as ten.
function track(alerts, width) {
  const columns = new Int8Array(Math.max(1, width)).fill(-1), span = Math.max(1, DATA.until - DATA.since);
  for (const each of alerts) {
    const start = Math.floor((each[FIRED] - DATA.since) / span * width), end = ((each[ENDED] ?? DATA.until) - DATA.since) / span * width;
    for (let x = Math.max(0, Math.min(start, width - 2)); x < Math.min(width, Math.max(end, start + 2)); x++) columns[x] = Math.max(columns[x], each[SEVERITY]);
  }
  const svg = draw('svg', {viewBox: `0 0 ${width} 18`, height: 18}, draw('line', {x1: 0, x2: width, y1: 9, y2: 9, class: 'grid'}));
  for (let x = 0, from = 0; x < columns.length; x = from) {
    while (from < columns.length && columns[from] === columns[x]) from++;
    if (columns[x] >= 0) svg.append(draw('rect', {x, y: 3, width: from - x, height: 12, rx: 2, class: TONES[columns[x]]}));
  }
  return svg;
}

function rules() {
  const own = new Map(DATA.figures.map(row => [row[0], []]));
  for (const each of DATA.alerts) own.get(each[RULE])?.push(each);
  const drawn = DATA.figures.map(([rule, alerts, sent, flaps, typical, longest, unknown, failed]) => {
    const [name, title, owner] = DATA.rules[rule];
    const said = [`${alerts} ${W.alerts}`, `${sent} ${W.notifications}`, typical && `${W.typical} ${typical}`, longest && `${W.longest} ${longest}`,
      flaps && `${W.flaps}: ${flaps}`, unknown && `${W.unknown}: ${unknown}`, failed && `${W.failed}: ${failed}`].filter(Boolean).join(' · ');
    return [alerts || sent, make('div', {class: 'rule', onclick: () => choose({rule})},
      make('div', {}, make('b', {}, title), ' ', make('code', {}, name), make('div', {class: 'faint'}, said)),
      alerts ? chart(byDay(own.get(rule), DAY, SEVERITY), 40, false, day => choose({rule, day})) : '')];
  });
  const loud = drawn.filter(each => each[0]).map(each => each[1]), quiet = drawn.filter(each => !each[0]).map(each => each[1]);
  section(W.rules, ...loud, quiet.length ? make('details', {}, make('summary', {class: 'faint'}, `${W.quiet}: ${quiet.length}`), ...quiet) : '');
}

const list = make('div'), count = make('p', {class: 'faint'}), inputs = {};
let fitting = [], listed = 0;
function select(name, all, options) {
  inputs[name] = make('select', {'aria-label': all, onchange: event => { chosen[name] = Number(event.target.value); refresh(); }},
    make('option', {value: -1}, all), ...options.map(([value, label]) => make('option', {value}, label)));
  return inputs[name];
}
function alertList() {
  inputs.text = make('input', {type: 'search', placeholder: W.search, 'aria-label': W.search, oninput: event => { chosen.text = event.target.value; refresh(); }});
  const byName = DATA.stores.map((_, number) => [number, storeName(number)]).sort((a, b) => a[1].localeCompare(b[1]));
  const filters = make('div', {class: 'filters'}, inputs.text, select('rule', W.all_rules, DATA.rules.map(([, title], number) => [number, title])),
    select('store', W.all_stores, byName), select('severity', W.all_severities, [2, 1, 0].map(each => [each, W[TONES[each]]])),
    make('button', {onclick: () => choose({})}, W.clear));
  const end = make('div');
  section(W.list, filters, count, list, end).id = 'list';
  new IntersectionObserver(([entry]) => entry.isIntersecting && add(), {rootMargin: '600px'}).observe(end);
  refresh();
}
function choose(wanted) {
  Object.assign(chosen, {rule: -1, store: -1, severity: -1, day: -1, text: ''}, wanted);
  for (const [name, input] of Object.entries(inputs)) input.value = chosen[name];
  refresh();
  document.getElementById('list').scrollIntoView();
}
function refresh() {
  const text = chosen.text.trim().toLowerCase();
  fitting = DATA.alerts.map((_, number) => number).filter(number => {
    const each = DATA.alerts[number];
    return (chosen.rule < 0 || each[RULE] === chosen.rule) && (chosen.store < 0 || each[STORE] === chosen.store)
      && (chosen.severity < 0 || each[SEVERITY] === chosen.severity) && (chosen.day < 0 || each[DAY] === chosen.day)
      && (!text || `${DATA.rules[each[RULE]].join(' ')} ${DATA.stores[each[STORE]].join(' ')} ${each[KEY]}`.toLowerCase().includes(text));
  });
  fitting.sort((a, b) => DATA.alerts[b][FIRED] - DATA.alerts[a][FIRED] || a - b);
  const day = chosen.day < 0 ? '' : ` · ${W.day_filter} ${DATA.days[chosen.day]}`;
  count.textContent = fitting.length ? `${fitting.length} ${W.of} ${DATA.alerts.length}${day}` : DATA.alerts.length ? W.no_match : W.nothing;
  listed = 0;
  list.replaceChildren();
  add();
}
function add() {
  list.append(...fitting.slice(listed, listed += STEP).map(row));
}
function row(number) {
  const each = DATA.alerts[number], [name, title] = DATA.rules[each[RULE]];
  const detail = make('div', {class: 'detail', hidden: ''});
  const toggle = async () => {
    detail.hidden = !detail.hidden;
    if (!detail.childNodes.length) {
      detail.append(W.loading);
      try { detail.replaceChildren(...await details(number)); } catch (error) { detail.replaceChildren(W.old_browser); throw error; }
    }
  };
  return make('div', {class: 'alert'}, make('button', {onclick: toggle}, make('span', {class: `dot ${TONES[each[SEVERITY]]}`}),
    make('span', {}, make('b', {}, title), ` ${storeName(each[STORE])} `, make('code', {}, each[KEY])),
    make('time', {}, `${when(each[FIRED])} – ${each[ENDED] === null ? W.goes_on : when(each[ENDED])}`)), detail);
}
const pairs = values => make('table', {}, ...values.map(([label, value]) => make('tr', {}, make('th', {}, label), make('td', {}, value))));
async function details(number) {
  const about = await unpacked('alerts', number), parts = [];
  const head = name => parts.push(make('h3', {}, name));
  if (about.values.length) { head(W.values); parts.push(pairs(about.values)); }
  if (about.rows.length) {
    head(W.evidence);
    parts.push(make('div', {class: 'scroll'}, make('table', {}, make('tr', {}, ...about.heads.map(each => make('th', {}, each))),
      ...about.rows.map(each => make('tr', {}, ...each.map(value => make('td', {}, value)))))));
    if (about.more > 0) parts.push(make('p', {class: 'faint'}, `+${about.more} ${W.more_rows}`));
  }
  if (about.members.length) parts.push(make('p', {}, `${W.members}: ${about.members.join(', ')}`));
  head(W.course);
  parts.push(pairs(about.moves.map(([at, state, severity, reason, values]) =>
    [when(at), `${state} (${severity}): ${reason}${values.map(([label, value]) => ` · ${label} ${value}`).join('')}`])));
  parts.push(make('p', {class: 'faint'}, `${W.since_true} ${when(about.started)} · ${about.owner && `${W.owner} ${about.owner} · `}${DATA.rules[DATA.alerts[number][RULE]][0]} · ${about.id}`));
  head(W.messages);
  if (about.explained) parts.push(make('p', {}, `${W.in_incident} ${about.explained}`));
  else if (!about.sent.length) parts.push(make('p', {class: 'faint'}, W.no_messages));
  parts.push(...about.sent.map(letter));
  return parts;
}
function letter(number) {
  const [at, person, tone, , , place] = DATA.sent[number], inside = make('div', {hidden: ''});
  const open = async () => {
    inside.hidden = !inside.hidden;
    if (inside.childNodes.length) return;
    if (place === null) return inside.replaceChildren(make('p', {class: 'faint'}, W.not_kept));
    const [subject, html, text] = await unpacked('mails', place);
    // A mail runs nothing and reaches nothing: an empty sandbox, under this page's policy.
    const shown = html ? make('iframe', {sandbox: '', srcdoc: html, title: subject}) : make('pre', {}, text);
    inside.replaceChildren(make('b', {}, subject), shown);
  };
  return make('div', {class: 'letter'}, make('button', {onclick: open}, make('span', {class: `dot ${TONES[tone]}`}), `${when(at)} → ${DATA.people[person]}`), inside);
}

document.getElementById('state').textContent = `${when(DATA.since)} – ${when(DATA.until)} (${DATA.zone}) · ${DATA.evaluations} ${W.evaluations}`
  + (DATA.complete ? '' : ` · ${W.interrupted}`);
cards();
const onDay = day => choose({day});
section(W.sent_by_day, chart(byDay(DATA.sent, 3, 2), 180, true, onDay), legend(['critical', 'warning', 'info', 'over']));
section(W.alerts_by_day, chart(byDay(DATA.alerts, DAY, SEVERITY), 140, true, onDay), legend(['critical', 'warning', 'info']));
timeline();
rules();
alertList();
