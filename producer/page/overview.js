/* The overview of a customer, and of all. */
import { ALL_EVENTS, EVENTS, people, plural } from './words.js';
import { button, confirmed, h, table } from './dom.js';
import { current, link, state, time } from './state.js';
import { orderText, ordersCard, send, underWay } from './orders.js';

const notice = (kind, title, ...content) => h('section', { class: `card notice ${kind}` }, h('h2', {}, title), content);
const figure = (name, value, section) => h('div', {}, h('dt', {}, name),
  h('dd', {}, value === undefined ? '…' : section && value ? h('a', { href: link(section, current()) }, value.toLocaleString('en-GB')) : value.toLocaleString('en-GB')));

function integrationNotice(customer) {
  const meanwhile = h('p', {}, 'Nobody is changed or deactivated because of this. Rollcall asks again by itself',
    customer.next_poll_at ? [': ', time(customer.next_poll_at)] : '', '.');
  switch (customer.state) {
    case 'NEEDS_CUSTOMER':
      return notice('bad', 'HR cannot be read until somebody acts',
        h('p', {}, h('strong', {}, 'What Kombo says: '), customer.reason || 'nothing more'),
        h('p', {}, h('strong', {}, 'What to do: '), 'an administrator of the HR system opens the integration in Kombo and follows what it asks for: usually to sign in again, or to grant a permission. When that is done, choose “Look at HR now”.'),
        meanwhile);
    case 'MISCONFIGURED':
      return notice('bad', 'The configuration of Rollcall does not fit',
        h('p', {}, h('strong', {}, 'What is wrong: '), customer.reason || 'unknown'),
        h('p', {}, h('strong', {}, 'What to do: '), 'IT corrects the configuration and starts Rollcall again. The command ',
          h('code', {}, 'rollcall-producer check'), ' says what to correct.'),
        meanwhile);
    case 'RETRYING':
      return notice('warn', 'HR could not be read just now',
        h('p', {}, customer.reason || ''), meanwhile);
    default:
      return null;
  }
}

function pausedNotice(customer) {
  if (!(customer.paused || []).length) return null;
  const all = customer.paused.length === ALL_EVENTS.length;
  return notice('warn', all ? 'Everything is paused' : `Paused: ${customer.paused.map((type) => EVENTS[type].title).join(', ')}`,
    h('p', {}, all ? 'Nothing is changed at Learn Amp until somebody resumes. HR is still read, and what changes there waits.'
      : 'These changes wait until somebody resumes. All others go on.'));
}

/* Without consumers changes are published and nobody carries them out. */
function unattendedNotice() {
  if (!state.unattended.length) return null;
  const all = state.unattended.length === ALL_EVENTS.length;
  return notice('bad', 'Learn Amp does not get these changes at the moment',
    h('p', {}, all ? 'No program is running that carries out changes at Learn Amp.'
      : `No program is running that carries out: ${state.unattended.map((type) => EVENTS[type].title).join(', ')}.`),
    h('p', {}, h('strong', {}, 'What to do: '), 'IT starts ', h('code', {}, 'rollcall-consumer run'), '. Nothing is lost meanwhile: it goes on where it ended.'));
}

function headline(customer) {
  const waiting = customer.waiting || {};
  if (!customer.state) return notice('warn', 'HR was not read yet', h('p', {}, 'Rollcall reads HR as soon as a producer takes this customer over, usually within a minute.'));
  const todo = [];
  if (waiting.for_decision) todo.push(h('li', {}, h('a', { href: link('decisions', customer) }, `${people(waiting.for_decision)} ${waiting.for_decision === 1 ? 'waits' : 'wait'} for your decision`)));
  if (customer.not_delivered) todo.push(h('li', {}, h('a', { href: link('letters', customer) }, `${plural(customer.not_delivered, 'change', 'changes')} could not be delivered to Learn Amp`)));
  if (waiting.for_hr) todo.push(h('li', {}, h('a', { href: link('work', customer) }, `${people(waiting.for_hr)} ${waiting.for_hr === 1 ? 'needs' : 'need'} something corrected in HR`)));
  if (todo.length) return notice(waiting.for_decision || customer.not_delivered ? 'warn' : '', 'What needs somebody', h('ul', {}, todo));
  if (customer.state !== 'OK' || (customer.paused || []).length || state.unattended.length) return null;
  if (!customer.waiting) return notice('', 'The lists are being made', h('p', {}, 'A moment, please.'));
  return notice('good', customer.imported ? 'Everyone is in step' : 'The first import is under way',
    h('p', {}, customer.imported ? 'Nobody waits for you.' : 'People appear at Learn Amp as they are read.'));
}

function pauseTable(customer) {
  const busy = underWay(customer, (order) => order.what === 'PAUSE' || order.what === 'RESUME');
  const paused = new Set(customer.paused || []);
  const act = (what, events) => async () => {
    const all = events.length === ALL_EVENTS.length;
    const names = all ? 'everything' : EVENTS[events[0]].title.toLowerCase();
    const yes = await confirmed(what === 'PAUSE' ? {
      title: `Pause ${names}?`, yes: `Pause ${names}`, danger: false,
      text: [all ? 'Nothing more is changed at Learn Amp for this customer, from now until somebody resumes.' : 'These changes are no longer made at Learn Amp, until somebody resumes.',
        'HR is still read. What changes there waits and is listed on this page.'],
    } : {
      title: `Resume ${names}?`, yes: `Resume ${names}`, danger: false,
      text: ['What has waited is carried out now, unless it waits for something else as well.'],
    });
    if (yes) await send(customer, { what, events });
  };
  return h('section', { class: 'card', 'aria-labelledby': 'pause-title' },
    h('h2', { id: 'pause-title' }, 'Pause'),
    h('p', {}, 'The stop button. People keep what they have at Learn Amp.'),
    table('Kinds of changes, and whether they are carried out', [
      ['Changes', (type) => [EVENTS[type].title, h('span', { class: 'sub' }, EVENTS[type].text)]],
      ['State', (type) => (paused.has(type) ? 'Paused' : 'Carried out')],
      ['Action', (type) => button(`pause-${type}`, paused.has(type) ? 'Resume' : 'Pause', act(paused.has(type) ? 'RESUME' : 'PAUSE', [type]),
        { ready: !busy, label: `${paused.has(type) ? 'Resume' : 'Pause'}: ${EVENTS[type].title}` })],
    ], ALL_EVENTS),
    h('div', { class: 'buttons' },
      paused.size < ALL_EVENTS.length && button('pause-all', 'Pause everything', act('PAUSE', ALL_EVENTS), { ready: !busy }),
      paused.size > 0 && button('resume-all', 'Resume everything', act('RESUME', ALL_EVENTS), { ready: !busy, kind: 'main' }),
      busy && h('span', { class: 'muted' }, `${orderText(busy)}: under way …`)));
}

export function overview(customer) {
  const waiting = customer.waiting || {};
  const looking = underWay(customer, (order) => order.what === 'POLL');
  const poll = customer.last_poll;
  return [
    h('h1', {}, customer.name),
    integrationNotice(customer), unattendedNotice(), pausedNotice(customer), headline(customer),
    waiting.error && notice('bad', 'The lists could not be made', h('p', {}, waiting.error)),
    h('dl', { class: 'figures' },
      figure('People in HR', customer.employees),
      figure('Sent to Learn Amp', customer.announced),
      figure('Wait for your decision', waiting.for_decision, 'decisions'),
      figure('To correct in HR', waiting.for_hr, 'work'),
      figure('Not delivered', customer.not_delivered, 'letters'),
      figure('Waiting in all', waiting.total, 'waiting')),
    h('section', { class: 'card', 'aria-labelledby': 'polls-title' },
      h('h2', { id: 'polls-title' }, 'Reading HR'),
      h('dl', { class: 'facts' },
        h('dt', {}, 'Last read'), h('dd', {}, poll ? [time(poll.finished_at || poll.started_at), `, ${plural(poll.read, 'record', 'records')} read, ${plural(poll.events, 'change', 'changes')}`] : 'not yet'),
        customer.next_poll_at && [h('dt', {}, 'Next time'), h('dd', {}, time(customer.next_poll_at))]),
      h('div', { class: 'buttons' },
        button('poll', looking ? 'Looking at HR …' : 'Look at HR now', () => send(customer, { what: 'POLL' }), { ready: !looking }))),
    customer.state && pauseTable(customer),
    ordersCard(customer, 5),
  ];
}

export function allCustomers() {
  const number = (value) => (value === undefined ? '…' : value.toLocaleString('en-GB'));
  const words = { OK: 'HR is read', RETRYING: 'HR could not be read just now', NEEDS_CUSTOMER: 'Somebody has to act in Kombo', MISCONFIGURED: 'The configuration does not fit' };
  return [
    h('h1', {}, 'All customers'),
    h('div', { class: 'card' }, table('Customers and what waits at each', [
      ['Customer', (one) => h('a', { href: link('overview', one), id: `go-${one.id}` }, one.name)],
      ['State', (one) => [words[one.state] || 'HR was not read yet', (one.paused || []).length > 0 && h('span', { class: 'sub' }, 'paused')]],
      ['People in HR', (one) => h('span', { class: 'number' }, number(one.employees))],
      ['Wait for your decision', (one) => h('span', { class: 'number' }, number((one.waiting || {}).for_decision))],
      ['To correct in HR', (one) => h('span', { class: 'number' }, number((one.waiting || {}).for_hr))],
      ['Not delivered', (one) => h('span', { class: 'number' }, number(one.not_delivered))],
    ], state.customers)),
  ];
}
