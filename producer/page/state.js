/* What the page knows and where it is: #/section/customer. Days and moments as the customer has them. */
import { h } from './dom.js';

/* `refresh` and `start` are the page's (page.js): others ask it to look again, or to sign in. */
export const state = { customers: [], unattended: [], watched: new Set(), shown: '', view: null, timer: 0, problem: '', refresh: null, start: null };

export function place() {
  const [, section, customer] = location.hash.split('/');
  try {
    return { section: section || '', customer: decodeURIComponent(customer || '') };
  } catch {
    return { section: '', customer: '' }; /* an address that nobody made here */
  }
}

export function current() {
  const { customer } = place();
  return state.customers.find((one) => one.id === customer) || (state.customers.length === 1 ? state.customers[0] : undefined);
}

export const link = (section, customer) => `#/${section}/${encodeURIComponent(customer.id)}`;

const DAY = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC' });
export const day = (text) => (text ? DAY.format(new Date(`${text}T00:00:00Z`)) : '');

/* A moment as the customer's clocks show it. */
export function moment(text) {
  if (!text) return '';
  const customer = current();
  const options = { weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', hour: '2-digit', minute: '2-digit' };
  try {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: customer ? customer.timezone : 'UTC', timeZoneName: 'short' }).format(new Date(text));
  } catch {
    return new Intl.DateTimeFormat('en-GB', { ...options, timeZone: 'UTC', timeZoneName: 'short' }).format(new Date(text));
  }
}
export const time = (text) => h('time', { datetime: text }, moment(text));
