// Prints every change event about employees, and proves at the end that none is missing.
//
// From the environment: KAFKA (localhost:9092), PREFIX (hris.), GROUP (this program's consumer group), UNTIL_END (set: stop at the
// end of the topics instead of waiting for more).
import { readFileSync } from 'node:fs'
import avro from 'avsc'
import { Kafka, logLevel } from 'kafkajs'

const { KAFKA = 'localhost:9092', PREFIX = 'hris.', GROUP = 'example-node', UNTIL_END } = process.env
const TYPES = {
  created: 'EmployeeCreated',
  'profile-updated': 'EmployeeProfileUpdated',
  'team-changed': 'EmployeeTeamChanged',
  deactivated: 'EmployeeDeactivated'
}

const kafka = new Kafka({ clientId: 'rollcall-example', brokers: KAFKA.split(','), logLevel: logLevel.ERROR })
const admin = kafka.admin()

// What this program was written for. A writer's schema may be older or newer; Avro's resolution bridges the two.
const readers = new Map(
  Object.entries(TYPES).map(([name, record]) => [
    `${PREFIX}employee.${name}`,
    avro.Type.forSchema(JSON.parse(readFileSync(new URL(`../../${record}.avsc`, import.meta.url))))
  ])
)

// Resolves once it listens, with a promise that is kept when the group's consumer has read to the ends that its topics have now: call
// it before run(). The offsets that a batch reports count the markers of transactions too, which a consumer is never shown.
async function watchForEnd(consumer, groupId, topics) {
  const unread = new Map()
  for (const { topic, partitions } of await admin.fetchOffsets({ groupId, topics })) {
    const done = new Map(partitions.map(({ partition, offset }) => [partition, BigInt(offset)]))
    for (const { partition, low, high } of await admin.fetchTopicOffsets(topic)) {
      if (low !== high && !(done.get(partition) >= BigInt(high))) unread.set(`${topic}/${partition}`, BigInt(high))
    }
  }
  const reached = new Promise((resolve) => {
    if (unread.size === 0) resolve()
    consumer.on(consumer.events.END_BATCH_PROCESS, ({ payload }) => {
      const place = `${payload.topic}/${payload.partition}`
      if (BigInt(payload.lastOffset) + 1n >= unread.get(place)) unread.delete(place)
      if (unread.size === 0) resolve()
    })
  })
  return { reached }
}

// The schemas that producers wrote into the topic "schemas" before they used them, by fingerprint.
const writers = new Map()
async function readWriters() {
  const topic = `${PREFIX}schemas`
  const groupId = `${GROUP}-schemas-${process.pid}-${Date.now()}` // kafkajs reads in groups only: one that is thrown away
  const consumer = kafka.consumer({ groupId })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  const { reached } = await watchForEnd(consumer, groupId, [topic])
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message: { key, value } }) => {
      if (value) writers.set(key.toString(), avro.Type.forSchema(JSON.parse(value)))
    }
  })
  await reached
  await consumer.disconnect()
  await admin.deleteGroups([groupId])
}

const resolvers = new Map() // from a writer's schema to ours, by topic and fingerprint
async function decode(topic, value) {
  if (value.readUInt16BE() !== 0xc301) {
    throw new Error('no single-object encoding; with a schema registry, use @kafkajs/confluent-schema-registry instead')
  }
  const fingerprint = value.toString('hex', 2, 10)
  const reader = readers.get(topic)
  if (!resolvers.has(topic + fingerprint)) {
    if (!writers.has(fingerprint)) await readWriters() // a newer release has begun to write
    // Not a broken record: leave it uncommitted, and try again later.
    if (!writers.has(fingerprint)) throw new Error(`no schema ${fingerprint} in ${PREFIX}schemas yet`)
    resolvers.set(topic + fingerprint, reader.createResolver(writers.get(fingerprint)))
  }
  return reader.fromBuffer(value.subarray(10), resolvers.get(topic + fingerprint))
}

// Every change names the version before it, so a change that never came shows. The order of arrival does not matter: there is none
// between topics.
const changes = new Map() // "key version": "key previous version"
let events = 0
function chain(key, { version, previous_version: previous }) {
  events++
  changes.set(`${key} ${version}`, previous === null ? null : `${key} ${previous}`)
}
const missing = () => [...changes.values()].filter((previous) => previous !== null && !changes.has(previous))

// Whatever your program does. It may see an event again (event_id tells), and an older version after a newer one.
function handle(name, key, { metadata, employee }) {
  console.log(name, key, metadata.version, 'after', metadata.previous_version ?? '-', employee.email)
}

const consumer = kafka.consumer({ groupId: GROUP }) // kafkajs reads committed records only, unless it is told otherwise
async function end(code) {
  await consumer.disconnect()
  await admin.disconnect()
  for (const change of missing()) console.error(`missing: ${change}`)
  console.log(`${events} events, ${changes.size} changes, ${missing().length} missing`)
  process.exit(code || (missing().length > 0 ? 1 : 0))
}
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => end(0))
consumer.on(consumer.events.CRASH, ({ payload }) => {
  console.error(payload.error.message)
  if (!payload.restart) end(1)
})

await admin.connect()
await readWriters()
await consumer.connect()
await consumer.subscribe({ topics: [...readers.keys()], fromBeginning: true })
if (UNTIL_END) {
  const { reached } = await watchForEnd(consumer, GROUP, [...readers.keys()])
  reached.then(() => setImmediate(end, 0))
}
await consumer.run({
  // Committed after the work, in the background: a crash repeats it.
  eachMessage: async ({ topic, message }) => {
    const key = message.key.toString()
    const event = await decode(topic, message.value)
    handle(topic.slice(`${PREFIX}employee.`.length), key, event)
    chain(key, event.metadata)
  }
})
