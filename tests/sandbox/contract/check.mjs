// Lists everything with Kombo's own client, then asks every endpoint through Prism, which turns each difference from
// Kombo's description, in a question or an answer, into an error. Run by check-kombo.sh.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer, connect } from 'node:net';
import { Kombo } from '@kombo-api/sdk';

const ready = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const description = process.argv[3];
const [integration] = ready.integrations;
const id = integration.id;
let passed = 0;
let failed = 0;

async function test(name, body) {
  try {
    await body();
    passed++;
    console.log(`ok ${name}`);
  } catch (error) {
    failed++;
    console.log(`not ok ${name}`);
    console.log(`  ${String(error.pretty?.() ?? error.stack ?? error).slice(0, 2000).replaceAll('\n', '\n  ')}`);
  }
}

function same(got, wanted, what) {
  if (JSON.stringify(got) !== JSON.stringify(wanted))
    throw new Error(`${what}: wanted ${JSON.stringify(wanted)}, got ${JSON.stringify(got)}`);
}

async function control(method, path, body) {
  const answer = await fetch(integration.control_url + path, { method, body: body && JSON.stringify(body) });
  const json = await answer.json();
  if (!answer.ok) throw new Error(`control ${path}: ${JSON.stringify(json)}`);
  return json;
}

async function freePort() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function listening(port, child) {
  for (;;) {
    if (child.exitCode !== null) throw new Error(`prism ended with ${child.exitCode}`);
    const there = await new Promise((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.end());
    });
    if (there) return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

// All kinds of records: deleted, emptied after deletion, changed, rehired, in a group that was deleted.
const changes = (await control('POST', '/changes', [
  { op: 'delete', employee: 600 },
  { op: 'delete', employee: 601 },
  { op: 'vanish', employee: 602 },
  { op: 'update', employee: 603, work_email: null, first_name: null, employment_status: 'SABBATICAL', manager: null,
    location: null, legal_entity: null, groups: [], custom_fields: { tshirt_size: ['a', { b: null }], "new": 1.5 } },
  { op: 'leave', employee: 604 },
  { op: 'rehire', employee: 604, new_id: true },
  { op: 'hire', first_name: 'Quote "\\ \u0007', last_name: 'New', start_date: '2030-01-01', employment_status: 'PENDING' },
  { op: 'add_group', name: 'Guild', type: 'TEAM' },
  { op: 'delete_group', group: 'Engineering Otter' },
  { op: 'rename_location', location: 'Berlin', name: 'Berlin-Mitte' },
  { op: 'random', changes: 300, seed: 5 },
])).results;
const everybody = (await control('GET', '/employees?limit=100000')).employees;
const present = everybody.filter((one) => !one.remote_deleted_at);

// ---- Kombo's own client ----

const kombo = new Kombo({ server_url: ready.kombo.base_url, api_key: ready.kombo.api_key, integration_id: id });

async function all(pages) {
  const found = [];
  for await (const page of pages) found.push(...(page.result ?? page).data.results);
  return found;
}

await test('client: the key is good', async () => {
  same((await kombo.general.checkApiKey()).status, 'success', 'status');
});
await test('client: all employees are listed, page by page', async () => {
  const found = await all(await kombo.hris.getEmployees({ page_size: 100 }));
  same(found.map((one) => one.id), present.map((one) => one.id), 'ids');
});
await test('client: deleted ones come on demand', async () => {
  const found = await all(await kombo.hris.getEmployees({ include_deleted: true, page_size: 250 }));
  same(found.length, everybody.length, 'count');
  same(found.length > present.length, true, 'more than without');
});
await test('client: updated_after gives what changed', async () => {
  const since = new Date(Date.now() - 3600_000);
  const found = await all(await kombo.hris.getEmployees({ updated_after: since }));
  same(found.length > 100 && found.length < present.length, true, `some, not all: ${found.length}`);
});
await test('client: filters', async () => {
  const wanted = present.slice(40, 43);
  const ids = wanted.map((one) => one.id);
  same((await all(await kombo.hris.getEmployees({ ids }))).map((one) => one.id), ids, 'ids');
  const pending = await all(await kombo.hris.getEmployees({ employment_statuses: ['PENDING'] }));
  same(pending.length, present.filter((one) => one.employment_status === 'PENDING').length, 'statuses');
});
for (const [name, list] of [['groups', 'getGroups'], ['locations', 'getLocations'], ['legal entities', 'getLegalEntities']]) {
  await test(`client: ${name}`, async () => {
    same((await all(await kombo.hris[list]({ page_size: 2 }))).length > 1, true, 'some');
  });
}
await test('client: the integration and its fields', async () => {
  same((await kombo.general.getIntegrationDetails({ integration_id: id })).data.id, id, 'id');
  same((await all(await kombo.general.getCustomFields({ integration_id: id, page_size: 2 }))).length, 5, 'custom fields');
  same((await all(await kombo.general.getIntegrationFields({ integration_id: id }))).length, 2, 'integration fields');
});
await test('client: a sync can be forced', async () => {
  same((await kombo.general.triggerSync({ type: 'DELTA' })).data.already_queued, false, 'already_queued');
});
await test('client: errors are Kombo errors', async () => {
  const stranger = new Kombo({ server_url: ready.kombo.base_url, api_key: 'wrong', integration_id: id });
  const error = await stranger.hris.getEmployees().then(() => null, (reason) => reason);
  same([error?.statusCode, error?.data$?.error?.code], [401, 'PLATFORM.AUTHENTICATION_INVALID'], 'error');
});

// ---- Prism ----

const port = await freePort();
const prism = spawn(process.execPath, ['node_modules/@stoplight/prism-cli/dist/index.js', 'proxy', '--errors', '-p', port,
  '-v', 'silent', description, ready.kombo.base_url], { stdio: ['ignore', 'ignore', 'inherit'] });
process.on('exit', () => prism.kill());
await listening(port, prism);

async function ask(path, { method = 'GET', body, headers = {}, status = 200 } = {}) {
  const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
    method,
    body: body && JSON.stringify(body),
    headers: { Authorization: `Bearer ${ready.kombo.api_key}`, 'X-Integration-Id': id,
               ...(body && { 'Content-Type': 'application/json' }), ...headers },
  });
  const text = await answer.text();
  if (answer.status !== status || text.includes('stoplight.io/prism/errors'))
    throw new Error(`${method} ${path}: ${answer.status} ${text.slice(0, 1500)}`);
  return JSON.parse(text);
}

const now = encodeURIComponent(new Date(Date.now() - 3600_000).toISOString());
const some = encodeURIComponent(`${present[0].id},${present[1].id}`);
const [person] = present;
const paths = [
  '/check-api-key',
  '/hris/employees',
  '/hris/employees?page_size=250&include_deleted=true',
  `/hris/employees?updated_after=${now}&include_deleted=true`,
  '/hris/employees?updated_after=2020-01-01T00:00:00Z',
  `/hris/employees?ids=${some}`,
  '/hris/employees?remote_ids=1000,1001',
  '/hris/employees?employment_status=LEAVE',
  '/hris/employees?employment_statuses=ACTIVE,PENDING',
  `/hris/employees?group_ids=${person.groups[0].id}`,
  `/hris/employees?legal_entity_ids=${person.legal_entity.id}`,
  `/hris/employees?work_location_ids=${person.work_location.id}`,
  `/hris/employees?work_emails=${encodeURIComponent(person.work_email)}`,
  `/hris/employees?personal_emails=${encodeURIComponent(person.personal_email)}`,
  `/hris/employees?custom_fields=${encodeURIComponent('{"tshirt_size":"M"}')}`,
  '/hris/employees?ignore_unsupported_filters=true',
  '/hris/groups', '/hris/groups?include_deleted=true&types=TEAM', '/hris/groups?name_contains=fal',
  `/hris/groups?updated_after=${now}`,
  '/hris/locations', `/hris/locations?updated_after=${now}`,
  '/hris/legal-entities',
  `/integrations/${id}`, `/integrations/${id}/custom-fields`, `/integrations/${id}/integration-fields?page_size=1`,
];
for (const path of paths) await test(`description: GET ${path.replace(id, '{id}')}`, () => ask(path));

await test('description: every page of all records', async () => {
  let cursor = null;
  let count = 0;
  do {
    const { data } = await ask(`/hris/employees?include_deleted=true&page_size=83${cursor ? `&cursor=${cursor}` : ''}`);
    count += data.results.length;
    cursor = data.next;
  } while (cursor);
  same(count, everybody.length, 'count');
});
await test('description: records that were emptied', async () => {
  await control('PATCH', '', { kombo: { anonymise_after_ms: 0 } });
  const { data } = await ask(`/hris/employees?include_deleted=true&ids=${everybody[600].id}`);
  same([data.results[0].first_name, data.results[0].groups], [null, []], 'fields');
});
await test('description: POST /force-sync', () => ask('/force-sync', { method: 'POST', body: { type: 'FULL' } }));

const errors = [
  ['an unknown integration', '/hris/employees', { headers: { 'X-Integration-Id': 'personio:nobody' }, status: 404 }],
  ['a wrong key', '/hris/employees', { headers: { Authorization: 'Bearer x' }, status: 401 }],
  ['a cursor that is none', '/hris/employees?cursor=x', { status: 400 }],
];
for (const [name, path, options] of errors) await test(`description: ${name}`, () => ask(path, options));

const codes = JSON.parse(readFileSync(description, 'utf8')).components.responses.ErrorResponseHRIS.content['application/json']
  .schema.properties.error.properties.code.enum;
for (const code of codes) {
  await test(`description: the error ${code}`, async () => {
    const faults = integration.control_url.replace(/integrations.*/, 'faults');
    await fetch(faults, { method: 'POST', body: JSON.stringify({ side: 'kombo', kind: 'kombo_error', code }) });
    const answer = await fetch(`http://127.0.0.1:${port}/hris/employees`, {
      headers: { Authorization: `Bearer ${ready.kombo.api_key}`, 'X-Integration-Id': id } });
    const json = await answer.json();
    same([answer.status >= 400, json.status, json.error?.code], [true, 'error', code], 'answer');
  });
}

prism.kill();
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed || changes.length !== 11 ? 1 : 0);
