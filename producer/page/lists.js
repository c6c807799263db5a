/* Lists that the server searches and cuts. */
import { REASONS, people } from './words.js';
import { button, fill, h, say, table } from './dom.js';
import { askList, query } from './server.js';
import { current, day, state, time } from './state.js';
import { named, who, why, would } from './people.js';

const PAGE_SIZE = 50;

/* A list that the server searches and cuts. `load({search, offset, limit, …})` gives {total, rows}; `show(rows)` a table. */
export class List {
  constructor({ id, label, load, show, none, filters }) {
    Object.assign(this, { id, load, show, none, offset: 0, last: '' });
    this.body = h('div', { id: `${id}-body` });
    this.search = h('input', { type: 'search', id: `${id}-search`, autocomplete: 'off', on: { input: () => this.later() } });
    this.filters = filters || [];
    this.tools = h('div', { class: 'tools', role: 'search', 'aria-label': label },
      h('div', {}, h('label', { for: `${id}-search` }, 'Search by name, e-mail address or ID'), this.search),
      this.filters.map((filter) => h('div', {}, h('label', { for: filter.select.id }, filter.label), filter.select)));
    for (const filter of this.filters) filter.select.addEventListener('change', () => this.begin());
    this.element = h('div', {}, this.tools, this.body);
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.begin(), 200);
  }

  begin() {
    this.offset = 0;
    this.refresh(true);
  }

  async refresh(aloud) {
    const args = { search: this.search.value, offset: this.offset, limit: PAGE_SIZE };
    for (const filter of this.filters) args[filter.name] = filter.select.value;
    const number = this.number = (this.number || 0) + 1;
    let answer;
    try {
      answer = await this.load(args);
    } catch (error) {
      if (error.status === 401) { await state.start(); return; }
      if (number === this.number) { this.last = ''; fill(this.body, h('p', { class: 'error' }, error.message)); }
      return;
    }
    if (number !== this.number) return; /* a later question was answered first, or will be */
    if (answer.total && !answer.rows.length && this.offset) { this.offset = 0; this.refresh(aloud); return; }
    const text = JSON.stringify([answer, args]);
    if (text !== this.last) { this.last = text; this.draw(answer); }
    if (aloud) say(answer.total ? `${people(answer.total)} found` : 'Nobody found');
  }

  draw(answer) {
    if (!answer.total) {
      fill(this.body, h('p', {}, this.search.value ? 'Nobody is found by these words.' : this.none));
      this.tools.hidden = !this.search.value && !this.filters.some((filter) => filter.select.value);
      return;
    }
    this.tools.hidden = answer.total <= 5 && !this.search.value && !this.filters.length;
    fill(this.body, this.show(answer), answer.total > PAGE_SIZE && this.pager(answer));
  }

  pager(answer) {
    const last = this.offset + answer.rows.length;
    const go = (offset) => () => { this.offset = offset; this.refresh(true).then(() => this.element.scrollIntoView()); };
    return h('nav', { class: 'pager', 'aria-label': 'Pages of the list' },
      button(`${this.id}-before`, 'Previous', go(Math.max(0, this.offset - PAGE_SIZE)), { ready: this.offset > 0 }),
      button(`${this.id}-after`, 'Next', go(this.offset + PAGE_SIZE), { ready: last < answer.total }),
      h('p', {}, `${(this.offset + 1).toLocaleString('en-GB')} to ${last.toLocaleString('en-GB')} of ${answer.total.toLocaleString('en-GB')}`));
  }
}

class ListView {
  constructor(title, text, list) {
    this.list = list;
    this.element = h('div', {}, h('h1', {}, title), h('p', {}, text), h('div', { class: 'card' }, list.element));
  }

  update() { this.list.refresh(false); }
}

const load = (path, more) => (args) => askList(query(path, { integration: current().id, ...more, ...args }));

export function workList() {
  return new ListView('To correct in HR', 'These people have no account, or an outdated one, until HR is corrected. Rollcall notices the correction by itself the next time it reads HR.', new List({
    id: 'work', label: 'People to correct in HR', none: 'Nothing is to be corrected.', load: load('/api/waiting', { reason: 'hr' }),
    show: (answer) => table(`${people(answer.total)} to correct in HR`, [
      ['Person', who],
      ['What is wrong', why],
      ['What to do', (row) => {
        const mends = row.reasons.map((reason) => REASONS[reason].mend).filter(Boolean);
        return mends.length === 1 ? mends[0] : h('ul', {}, mends.map((line) => h('li', {}, line)));
      }],
      ['Since', (row) => time(row.since)],
    ], answer.rows),
  }));
}

export function waitingList() {
  const select = h('select', { id: 'waiting-reason' }, h('option', { value: '' }, 'All'),
    Object.entries(REASONS).map(([value, words]) => h('option', { value }, words.title)));
  return new ListView('Waiting', 'Everybody with a change that is known and not carried out, and why.', new List({
    id: 'waiting', label: 'People who wait', none: 'Nobody waits.', load: load('/api/waiting'),
    filters: [{ name: 'reason', label: 'Why they wait', select }],
    show: (answer) => table(`${people(answer.total)} ${answer.total === 1 ? 'waits' : 'wait'}`, [
      ['Person', who],
      ['What would change', would],
      ['Why it waits', why],
      ['Until', (row) => (row.until ? time(row.until) : 'no day is known')],
    ], answer.rows),
  }));
}

export function calendar() {
  return new ListView('The next 30 days', 'Who starts, and whose last day it is, as HR says today.', new List({
    id: 'calendar', label: 'Who starts and who leaves', none: 'Nobody starts or leaves in the next 30 days.', load: load('/api/calendar'),
    show: (answer) => table(`${people(answer.starts)} ${answer.starts === 1 ? 'starts' : 'start'}, ${people(answer.leaves)} ${answer.leaves === 1 ? 'leaves' : 'leave'}`, [
      ['Day', (row) => [day(row.day), row.day === answer.today && h('span', { class: 'sub' }, 'today')]],
      ['What', (row) => (row.starts ? 'First day' : 'Last day')],
      ['Person', (row) => [named(row.name), h('span', { class: 'sub' }, `ID ${row.employee_id}`)]],
      ['Job and team', (row) => [row.job_title, row.team && h('span', { class: 'sub' }, row.team)]],
    ], answer.rows),
  }));
}
