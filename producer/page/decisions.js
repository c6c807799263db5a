/* Holds, with the names and two buttons. */
import { CLASSES, EVENTS, lower, people } from './words.js';
import { button, confirmed, fill, h, table } from './dom.js';
import { askList, query } from './server.js';
import { moment } from './state.js';
import { orderText, send, underWay } from './orders.js';
import { List } from './lists.js';
import { who, would } from './people.js';

export class Decisions {
  constructor() {
    this.element = h('div', {});
    this.cards = new Map();
  }

  update(customer) {
    const holds = customer.holds || [];
    if (!this.title) {
      this.title = h('h1', { tabindex: -1 }, 'Decisions');
      this.text = h('p', {});
      this.lists = h('div', {});
      this.element.append(this.title, this.text, this.lists);
    }
    this.text.textContent = holds.length
      ? 'More changes of one kind came than usual within 24 hours, so they wait. Look at the names, then decide. Everybody else is kept in step meanwhile.'
      : 'Nothing waits for a decision.';
    for (const [id, card] of this.cards) {
      if (holds.some((hold) => hold.id === id)) continue;
      if (card.element.contains(document.activeElement)) this.title.focus({ preventScroll: true });
      card.element.remove();
      this.cards.delete(id);
    }
    for (const hold of holds) {
      if (!this.cards.has(hold.id)) {
        const card = new Hold(hold.id);
        this.cards.set(hold.id, card);
        this.lists.append(card.element);
      }
      this.cards.get(hold.id).update(customer, hold);
    }
  }
}

/* What still stands in the way of some after the approval. */
function alsoWaits(customer, hold) {
  const lines = [];
  if (hold.in_others) lines.push(`${people(hold.in_others)} of them ${hold.in_others === 1 ? 'waits' : 'wait'} for another decision as well, and ${hold.in_others === 1 ? 'changes' : 'change'} only when that is approved too.`);
  if ((customer.paused || []).length) lines.push(`Paused at the moment: ${customer.paused.map((type) => EVENTS[type].title).join(', ')}. What is paused is carried out when somebody resumes.`);
  return lines;
}

class Hold {
  constructor(id) {
    this.id = `hold-${id}`;
    this.head = h('div', {});
    this.foot = h('div', { class: 'buttons' });
    this.list = new List({
      id: this.id, label: 'People in this list',
      load: (args) => askList(query('/api/waiting', { integration: this.customer.id, hold: id, ...args })),
      show: (answer) => table(`${people(answer.total)} in this list`, [
        ['Person', who],
        ['Job and team', (row) => [row.job_title, row.team && h('span', { class: 'sub' }, row.team)]],
        ['What would change', would],
        ...(answer.rows.some((row) => row.holds.length > 1) ? [['Waits for', (row) => (row.holds.length > 1 ? `${row.holds.length} decisions` : 'this decision')]] : []),
      ], answer.rows),
      none: 'Nobody is in this list any more.',
    });
    this.element = h('section', { class: 'card', 'aria-labelledby': `${this.id}-title` }, this.head, this.list.element, this.foot);
  }

  update(customer, hold) {
    this.customer = customer;
    const text = JSON.stringify([hold, customer.orders]);
    if (text !== this.last) { this.last = text; this.draw(customer, hold); }
    this.list.refresh(false);
  }

  draw(customer, hold) {
    const words = CLASSES[hold.class];
    const n = hold.employees;
    const busy = underWay(customer, (order) => order.hold === hold.id);
    fill(this.head,
      h('h2', { id: `${this.id}-title` }, words.title(n)),
      h('p', {}, `Held since ${moment(hold.since)}. Up to ${hold.limit.toLocaleString('en-GB')} ${words.noun} within 24 hours pass without asking.`));
    const decide = (what) => async () => {
      const yes = what === 'APPROVE';
      const answer = await confirmed({
        title: yes ? words.yesTitle(n) : words.noTitle(n), text: yes ? [...words.yesText(n, customer), ...alsoWaits(customer, hold)] : words.noText(n),
        yes: yes ? words.yes(n) : words.no(n), danger: yes && words.danger });
      if (answer) await send(customer, { what, hold: hold.id, listed_at: hold.listed_at, employees: n });
    };
    fill(this.foot,
      button(`${this.id}-approve`, `Approve: ${lower(words.yes(n))} …`, decide('APPROVE'), { ready: !busy, kind: words.danger ? 'danger' : 'main' }),
      button(`${this.id}-reject`, `Reject: ${lower(words.no(n))} …`, decide('REJECT'), { ready: !busy }),
      busy && h('span', { class: 'muted' }, `${orderText(busy)}: under way …`));
  }
}
