/* How a person and a change are written. */
import { FIELDS, GONE, REASONS, STATUS } from './words.js';
import { h } from './dom.js';
import { day } from './state.js';

/* A name keeps its own direction of writing. */
export const named = (name) => h('bdi', {}, name);
export const who = (row) => [named(row.name), row.name !== row.email && row.email && h('span', { class: 'sub' }, row.email),
  h('span', { class: 'sub' }, `ID ${row.employee_id}`)];

function fieldValue(field, value) {
  if (value === undefined) return 'nothing';
  if (field === 'hire_date' || field === 'leave_date') return day(value);
  if (field === 'status') return STATUS[value] || value;
  if (field === 'avatar') return 'a picture';
  return value;
}

const fieldName = (field) => FIELDS[field] || field.replace(/^custom:/, '');

function changes(row) {
  return h('ul', {}, (row.changes || []).map((change) => h('li', {}, `${fieldName(change.field)}: `,
    h('span', { class: change.before === undefined ? '' : 'was' }, fieldValue(change.field, change.before)), ' ',
    h('span', { class: 'hidden-text' }, 'becomes'), h('span', { 'aria-hidden': 'true' }, '→'), ' ', fieldValue(change.field, change.after))));
}

function gone(row) {
  if (row.gone_reason === 'TERMINATION_DATE') return `Last day was ${day(row.leave_date || row.effective_date)}`;
  const text = GONE[row.gone_reason] || 'has left';
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function would(row) {
  switch (row.would) {
    case 'create': return ['Gets an account', row.hire_date && h('span', { class: 'sub' }, `First day: ${day(row.hire_date)}`)];
    case 'deactivate': return ['Account is deactivated', h('span', { class: 'sub' }, gone(row))];
    case 'update': return (row.changes || []).length ? changes(row) : 'Nothing changes';
    default: return 'Nothing until HR is corrected';
  }
}

export function why(row) {
  const lines = row.reasons.map((reason) => {
    const words = REASONS[reason];
    if (reason === 'EMAIL_COLLISION' && row.same_address) return `${words.title}: ${row.same_address.name} (ID ${row.same_address.employee_id}) has it too`;
    return `${words.title}: ${words.text}`;
  });
  return lines.length === 1 ? lines[0] : h('ul', {}, lines.map((line) => h('li', {}, line)));
}
