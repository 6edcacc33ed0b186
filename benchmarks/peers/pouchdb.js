// One PouchDB database over leveldb. Commands: lines.js; the database's folder is the first argument.
const fs = require('fs')
const http = require('http')
const path = require('path')
const PouchDB = require('pouchdb')
const { now, tell, obey } = require('./lines.js')

const folder = process.argv[2]
const Database = PouchDB.defaults({ prefix: folder + path.sep })
const records = new Database('records')
let requests = 0

const idOf = record => `${record.author}:${record.kind}:${record.id}`

const replicate = ({ url, batch }) => PouchDB.replicate(url, records, { batch_size: batch, batches_limit: 10 })

obey({
  async seed ({ file, batch }) {
    const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
    for (let i = 0; i < lines.length; i += batch) {
      await records.bulkDocs(lines.slice(i, i + batch).map(JSON.parse).map(record => ({ _id: idOf(record), ...record })))
    }
  },

  serve ({ port }) {
    const app = require('express-pouchdb')(Database, {
      mode: 'minimumForPouchDB', inMemoryConfig: true, logPath: path.join(folder, 'log.txt')
    })
    return new Promise(resolve => {
      http.createServer((question, answer) => { requests++; app(question, answer) })
        .listen(port, '127.0.0.1', () => resolve({}))
    })
  },

  async requests () {
    return { requests }
  },

  async open () {
    await records.info()
  },

  async sync (source) {
    await replicate(source)
    return { done: now() }
  },

  async round (source) {
    await replicate(source)
  },

  async count () {
    return { records: (await records.info()).doc_count }
  },

  follow ({ url }) {
    records.changes({ since: 'now', live: true, include_docs: true }).on('change', () => tell({ seen: now() }))
    return new Promise(resolve => {
      PouchDB.replicate(url, records, { live: true, retry: true }).on('paused', () => resolve({}))
    })
  },

  async write ({ line }) {
    const record = JSON.parse(line)
    const { _rev } = await records.get(idOf(record))
    const called = now()
    await records.put({ _id: idOf(record), _rev, ...record })
    return { called, returned: now() }
  }
})
