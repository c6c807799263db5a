/* When HR was read, and what was ordered. */
import { TRIGGERS, plural } from './words.js';
import { fill, h, table } from './dom.js';
import { ask, query } from './server.js';
import { time } from './state.js';
import { ordersCard } from './orders.js';

export class Activity {
  constructor() {
    this.element = h('div', {});
  }

  async update(customer) {
    let answer;
    try {
      answer = await ask('GET', query('/api/activity', { integration: customer.id }));
    } catch (error) {
      fill(this.element, h('h1', {}, 'Activity'), h('p', { class: 'error' }, error.message));
      return;
    }
    const text = JSON.stringify(answer);
    if (text === this.last) return;
    this.last = text;
    fill(this.element,
      h('h1', {}, 'Activity'),
      h('section', { class: 'card', 'aria-labelledby': 'last-title' },
        h('h2', { id: 'last-title' }, 'When HR was read'),
        answer.polls.length ? table('The last times, the newest first', [
          ['When', (poll) => time(poll.failed ? poll.at : poll.finished_at || poll.started_at)],
          ['Why', (poll) => (poll.failed ? '' : TRIGGERS[poll.trigger])],
          ['How much', (poll) => (poll.failed ? '' : [poll.full ? 'Everybody' : 'What changed', h('span', { class: 'sub' }, `${plural(poll.read, 'record', 'records')} read`)])],
          ['Result', (poll) => (poll.failed ? ['Could not be read', h('span', { class: 'sub' }, poll.reason)] : plural(poll.events, 'change', 'changes'))],
        ], answer.polls) : h('p', {}, 'Not yet.')),
      ordersCard({ ...customer, orders: answer.orders }));
  }
}
