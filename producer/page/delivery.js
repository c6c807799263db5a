/* What could not be delivered, with a button. */
import { DEAD, DEAD_OTHER, EVENTS, plural } from './words.js';
import { button, confirmed, h, say, table } from './dom.js';
import { ask, askList, query } from './server.js';
import { time } from './state.js';
import { List } from './lists.js';
import { named } from './people.js';

export class Letters {
  constructor() {
    this.retry = {};
    this.note = h('p', {});
    this.list = new List({
      id: 'letters', label: 'Changes that could not be delivered', none: 'Every change was delivered.',
      load: async (args) => {
        const answer = await askList(query('/api/dead-letters', { integration: this.customer.id, ...args }));
        this.tell(answer.retry);
        return answer;
      },
      show: (answer) => [table(`${plural(answer.total, 'change', 'changes')} could not be delivered to Learn Amp`, [
        ['Person', (row) => [named(row.name || 'Unknown'), h('span', { class: 'sub' }, row.employee_id ? `ID ${row.employee_id}` : '')]],
        ['Change', (row) => (row.type ? EVENTS[row.type].title : 'Unknown')],
        ['What is wrong', (row) => [(DEAD[row.reason] || DEAD_OTHER).title, row.message && h('span', { class: 'sub' }, `Learn Amp says: ${row.message}`)]],
        ['What to do', (row) => (DEAD[row.reason] || DEAD_OTHER).mend],
        ['Since', (row) => time(row.dead_lettered_at)],
        ['Action', (row) => (row.can_be_tried
          ? button(`retry-${row.partition}-${row.offset}`, 'Try again', () => this.again({ partition: row.partition, offset: row.offset }, row.name || 'This change'),
            { ready: !answer.retry.busy, label: `Try again: ${row.name || row.employee_id || 'unknown person'}` })
          : 'cannot be tried again')],
      ], answer.rows),
      answer.total > 1 && h('div', { class: 'buttons' }, button('retry-all', 'Try all again …', () => this.all(), { ready: !answer.retry.busy }))],
    });
    this.element = h('div', {}, h('h1', {}, 'Not delivered'),
      h('p', {}, 'Learn Amp did not accept these changes, and trying again by itself did not help. Everybody else is kept in step.'), this.note,
      h('div', { class: 'card' }, this.list.element));
  }

  update(customer) {
    this.customer = customer;
    this.list.refresh(false);
  }

  async all() {
    const answer = await confirmed({ title: 'Try all again?', yes: 'Try all again', text: ['Each of these changes is sent to Learn Amp once more, the oldest first. What fails again comes back to this list.'] });
    if (answer) await this.again({ all: true }, 'All');
  }

  async again(which, name) {
    this.before = this.retry.ended_at;
    try {
      await ask('POST', '/api/dead-letters', { integration: this.customer.id, ...which });
      this.asked = true;
      say(`${name}: is tried again.`);
    } catch (error) {
      say(`That did not work: ${error.message}`);
    }
    clearTimeout(this.timer);
    const watch = async () => {
      await this.list.refresh(false);
      if (this.retry.busy || this.asked) this.timer = setTimeout(watch, 500);
    };
    await watch();
  }

  /* How the last wish went. */
  tell(retry) {
    this.retry = retry;
    if (!this.asked || retry.busy || !retry.ended_at || retry.ended_at === this.before) return;
    this.asked = false;
    this.note.textContent = retry.problem ? `Trying again was not possible: ${retry.problem}` : `${plural(retry.sent, 'change was', 'changes were')} sent once more. What fails again comes back to this list.`;
    say(this.note.textContent);
  }
}
