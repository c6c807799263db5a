/* The API. */

export const session = { csrf: '', needsToken: false };
class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

export async function ask(method, path, body, again) {
  const headers = { Accept: 'application/json' };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (method !== 'GET') headers['X-Rollcall-CSRF'] = session.csrf;
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: 'no-store', credentials: 'same-origin' });
  } catch {
    throw new Refused(0, 'Rollcall does not answer. It is tried again by itself.');
  }
  const json = await answer.json().catch(() => ({}));
  if (answer.ok) return json;
  /* The process was started anew, and does not know what it gave us. */
  if (answer.status === 403 && method !== 'GET' && !again) {
    await learnSession();
    return ask(method, path, body, true);
  }
  throw new Refused(answer.status, json.error || `the answer was ${answer.status}`);
}

export const query = (path, args) => `${path}?${new URLSearchParams(Object.entries(args).filter(([, value]) => value !== undefined && value !== ''))}`;
const pause = (ms) => new Promise((done) => { setTimeout(done, ms); });

/* A list that is still being made comes when it is made. */
export async function askList(path) {
  for (let i = 0; ; i++) {
    try {
      return await ask('GET', path);
    } catch (error) {
      if (error.status !== 503 || i === 60) throw error;
      await pause(i < 10 ? 200 : 1000);
    }
  }
}

export async function learnSession() {
  const answer = await ask('GET', '/api/session');
  session.csrf = answer.csrf || '';
  session.needsToken = answer.needs_token;
  return answer.signed_in;
}
