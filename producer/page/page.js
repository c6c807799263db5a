/* The status page of Rollcall: its sections, signing in, and the passing of time. */
import { $, fill, h, say } from './dom.js';
import { ask, learnSession, session } from './server.js';
import { current, link, place, state } from './state.js';
import { announceEnds, underWay } from './orders.js';
import { calendar, waitingList, workList } from './lists.js';
import { allCustomers, overview } from './overview.js';
import { Decisions } from './decisions.js';
import { Letters } from './delivery.js';
import { Activity } from './activity.js';

class Plain {
  constructor(make) { this.make = make; this.element = h('div', {}); }

  update(customer) {
    const text = JSON.stringify([customer || state.customers, state.unattended]);
    if (text !== this.last) { this.last = text; fill(this.element, this.make(customer)); }
  }
}

const SECTIONS = {
  overview: { title: 'Overview', make: () => new Plain(overview) },
  decisions: { title: 'Decisions', make: () => new Decisions(), count: (one) => (one.waiting || {}).for_decision },
  work: { title: 'To correct in HR', make: workList, count: (one) => (one.waiting || {}).for_hr },
  waiting: { title: 'Waiting', make: waitingList },
  letters: { title: 'Not delivered', make: () => new Letters(), count: (one) => one.not_delivered },
  calendar: { title: 'Calendar', make: calendar },
  activity: { title: 'Activity', make: () => new Activity() },
};

const sectionHere = () => (SECTIONS[place().section] ? place().section : 'overview');

/* Drawn anew only when it differs: a list that somebody has opened stays open. */
function drawNav(customer, section) {
  const drawn = JSON.stringify([customer && customer.id, section, state.customers.map((one) => [one.id, one.name]),
    customer && Object.values(SECTIONS).map((one) => one.count && one.count(customer))]);
  if (state.nav === drawn) return;
  state.nav = drawn;
  const several = state.customers.length > 1;
  $('nav').hidden = !customer && !several;
  $('customer-box').hidden = !several;
  fill($('customer'), h('option', { value: '', selected: !customer }, 'All customers'),
    state.customers.map((one) => h('option', { value: one.id, selected: one === customer }, one.name)));
  const entry = (name, href, isCurrent, count) => h('li', {}, h('a', { href, id: `nav-${name}`, 'aria-current': isCurrent && 'page' },
    name === 'all' ? 'All customers' : SECTIONS[name].title,
    count > 0 && h('span', { class: 'count' }, count.toLocaleString('en-GB'))));
  fill($('sections'), several && entry('all', '#/', !customer),
    customer && Object.keys(SECTIONS).map((name) => entry(name, link(name, customer), name === section, SECTIONS[name].count && SECTIONS[name].count(customer))));
}

/* Shows the place that the address names; a new place is announced by its heading, which gets the focus. */
function show() {
  const customer = current();
  const section = customer ? sectionHere() : '';
  const shown = `${customer ? customer.id : ''} ${section}`;
  const moved = state.shown !== shown;
  drawNav(customer, section);
  if (moved) {
    const first = state.shown === '';
    state.shown = shown;
    state.view = customer ? SECTIONS[section].make() : new Plain(allCustomers);
    fill($('main'), state.view.element);
    document.title = `${customer ? `${SECTIONS[section].title}, ${customer.name}` : 'All customers'} · Rollcall`;
    state.view.update(customer);
    if (!first || state.signedInNow) $('main').focus();
    state.signedInNow = false;
    window.scrollTo(0, 0);
  } else {
    state.view.update(customer);
  }
}

const isBusy = () => !state.deliveryIsFresh || state.customers.some((one) => !one.waiting || !one.waiting.fresh || underWay(one, () => true));

async function refresh() {
  clearTimeout(state.timer);
  const number = state.asked = (state.asked || 0) + 1;
  try {
    const answer = await ask('GET', '/api/integrations');
    if (number !== state.asked) return; /* a later answer is on its way */
    state.customers = answer.integrations;
    state.unattended = answer.unattended;
    state.deliveryIsFresh = answer.delivery_is_fresh;
    if (state.problem) { state.problem = ''; say('Rollcall answers again.'); }
    announceEnds();
    show();
  } catch (error) {
    if (error.status === 401) { await start(); return; }
    if (!state.customers.length) { state.shown = ''; fill($('main'), h('h1', {}, 'Rollcall'), h('p', { id: 'starting' }, error.status === 503 ? 'Rollcall is starting. This page goes on by itself.' : error.message)); }
    if (error.message !== state.problem && state.customers.length) say(error.message);
    state.problem = error.message;
  }
  schedule();
}

function schedule() {
  clearTimeout(state.timer);
  if (document.hidden) return;
  state.timer = setTimeout(refresh, !state.customers.length ? 1000 : isBusy() ? 700 : 5000);
}

function signInForm() {
  const field = h('input', { type: 'password', id: 'token', autocomplete: 'current-password', required: true, 'aria-describedby': 'token-problem' });
  const text = h('p', { id: 'token-problem', class: 'error', role: 'alert' });
  const submit = h('button', { type: 'submit', class: 'main', id: 'sign-in' }, 'Sign in');
  return h('form', { class: 'card sign-in', method: 'post', on: { submit: async (event) => {
    event.preventDefault();
    submit.disabled = true;
    try {
      const answer = await ask('POST', '/api/session', { token: field.value }, true);
      session.csrf = answer.csrf;
      state.signedInNow = true;
      await start();
    } catch (error) {
      submit.disabled = false;
      text.textContent = error.status === 401 ? 'This is not the token. Ask the people who run Rollcall for it.' : error.message;
      field.value = '';
      field.focus();
    }
  } } },
  h('h1', {}, 'Sign in to Rollcall'),
  h('label', { for: 'token' }, 'Access token'), field, text, submit);
}

async function start() {
  clearTimeout(state.timer);
  let signedIn;
  try {
    signedIn = await learnSession();
  } catch (error) {
    fill($('main'), h('h1', {}, 'Rollcall'), h('p', { class: 'error' }, error.message));
    state.timer = setTimeout(start, 3000);
    return;
  }
  $('sign-out').hidden = !signedIn || !session.needsToken;
  if (signedIn) { await refresh(); return; }
  state.customers = [];
  state.shown = '';
  state.nav = '';
  $('nav').hidden = true;
  $('customer-box').hidden = true;
  document.title = 'Sign in · Rollcall';
  if (!$('token')) {
    fill($('main'), signInForm());
    $('token').focus();
  }
}

state.refresh = refresh;
state.start = start;
$('sign-out').addEventListener('click', async () => {
  try { await ask('DELETE', '/api/session'); } catch { /* it is over anyway */ }
  await start();
});
$('skip').addEventListener('click', (event) => { event.preventDefault(); $('main').focus(); });
$('customer').addEventListener('change', () => {
  const one = state.customers.find((other) => other.id === $('customer').value);
  location.hash = one ? link(sectionHere(), one) : '#/';
});
window.addEventListener('hashchange', () => { if (state.customers.length) show(); });
document.addEventListener('visibilitychange', () => { if (!document.hidden && state.customers.length) refresh(); });
start();
