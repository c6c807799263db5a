/* What people order, until it has ended. */
import { ALL_EVENTS, CLASSES, EVENTS } from './words.js';
import { h, say, table } from './dom.js';
import { ask } from './server.js';
import { state, time } from './state.js';

export function orderText(order) {
  const n = order.employees || 0;
  const list = order.class ? CLASSES[order.class].noun : '';
  const events = (order.events || []).length === ALL_EVENTS.length ? 'everything' : (order.events || []).map((type) => EVENTS[type].title).join(', ');
  switch (order.what) {
    case 'APPROVE': return `Carry out ${n} ${list}`;
    case 'REJECT': return `Do not carry out ${n} ${list}`;
    case 'PAUSE': return `Pause ${events}`;
    case 'RESUME': return `Resume ${events}`;
    default: return 'Look at HR now';
  }
}

const ORDER_STATUS = { 'under way': 'under way', done: 'done', failed: 'failed', unanswered: 'nobody answered: is a producer running?' };
export const underWay = (customer, test) => (customer.orders || []).find((order) => order.status === 'under way' && test(order));

export async function send(customer, body) {
  try {
    const order = await ask('POST', '/api/orders', { integration: customer.id, ...body });
    state.watched.add(order.id);
    say(`${orderText(order)}: under way.`);
  } catch (error) {
    say(`That did not work: ${error.message}`);
  }
  await state.refresh();
}

/* Says so when an order ends while somebody looks. */
export function announceEnds() {
  for (const order of state.customers.flatMap((customer) => customer.orders || [])) {
    if (order.status === 'under way') {
      state.watched.add(order.id);
    } else if (state.watched.delete(order.id)) {
      say(order.status === 'done' ? `${orderText(order)}: done.` : `${orderText(order)}: ${order.message || ORDER_STATUS[order.status]}`);
    }
  }
}

export function ordersCard(customer, most) {
  const orders = (customer.orders || []).slice(0, most);
  if (!orders.length) return null;
  return h('section', { class: 'card', 'aria-labelledby': 'orders-title' },
    h('h2', { id: 'orders-title' }, 'What was ordered on this page'),
    table('The last orders', [
      ['Order', (order) => orderText(order)],
      ['When', (order) => time(order.issued_at)],
      ['State', (order) => [ORDER_STATUS[order.status], order.message && h('span', { class: 'sub' }, order.message)]],
    ], orders));
}
