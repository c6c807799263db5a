// check.mjs ROOT: schemas/asyncapi.yaml is valid, and says of topics, records and headers what the sources say. One line a test.
import { readFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { AvroSchemaParser } from '@asyncapi/avro-schema-parser'
import { Parser, fromFile } from '@asyncapi/parser'

const root = process.argv[2]
let passed = 0
let failed = 0
function check(what, problems) {
  if (problems.length === 0) passed++
  else failed++
  console.log(`${problems.length === 0 ? 'ok' : 'not ok'} ${what}`)
  for (const problem of problems) console.log(`    ${problem}`)
}
const differ = (what, is, should) =>
  isDeepStrictEqual(is, should) ? [] : [`${what}: ${JSON.stringify(is)}, and the sources say ${JSON.stringify(should)}`]

const parser = new Parser()
parser.registerSchemaParser(AvroSchemaParser())
const { document, diagnostics } = await fromFile(parser, `${root}/schemas/asyncapi.yaml`).parse()
// "information" is advice about members that we have no use for.
const problems = diagnostics.filter(({ severity }) => severity <= 1)
check(
  'asyncapi.yaml is valid',
  problems.map(({ path, message }) => `${path.join('.')}: ${message}`)
)

if (document) {
  const source = (name) => readFileSync(`${root}/common/${name}`, 'utf8')
  const topics = [...source('topics.h').matchAll(/^ +X\([A-Z_]+, +"([^"]+)", +(DELETE|COMPACT), +([a-z_]+)\)/gm)]
    .map(([, name, cleanup]) => ({ name, cleanup: cleanup.toLowerCase() }))
    .filter(({ name }) => !/^(sync\.|%s)/.test(name)) // those are the producers' and the consuming application's own
    .sort((a, b) => a.name.localeCompare(b.name))
  const channels = document
    .channels()
    .all()
    .map((channel) => ({
      name: channel.address().replace('{prefix}', ''),
      cleanup: channel.bindings().get('kafka').value().topicConfiguration['cleanup.policy'].join()
    }))
    .sort((a, b) => a.name.localeCompare(b.name))
  check('its topics are those of common/topics.h', differ('topics', channels, topics))

  const written = new Set([...source('headers.c').matchAll(/"(ce_[a-z]+|content-type)"/g)].map(([, name]) => name))
  const described = document.components().schemas().get('CloudEventsHeaders').json()
  check('its headers are those of common/headers.c', [
    ...differ('headers', Object.keys(described.properties).sort(), [...written].sort()),
    ...differ('required headers', [...described.required].sort(), [...written].sort())
  ])

  for (const channel of document.channels().all()) {
    for (const message of channel.messages().all()) {
      if (message.contentType() !== 'application/avro') continue
      const schema = JSON.parse(readFileSync(`${root}/schemas/${message.name()}.avsc`, 'utf8'))
      // The parser turns Avro into JSON Schema, and keeps what it read beside it.
      const payload = message.json('x-parser-original-payload') ?? message.json().payload['x-parser-original-payload']
      check(`the payload on ${channel.id()} is ${message.name()}.avsc`, differ('payload', payload, schema))
    }
  }
}
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed > 0 ? 1 : 0
