// A driver's commands: lines of JSON in ({"do": name, ...}), one line of JSON out for each; events are lines too.
const readline = require('readline')

/** Seconds of the machine's monotonic clock, the one that Python's time.perf_counter reads. */
exports.now = () => Number(process.hrtime.bigint()) / 1e9

const tell = what => process.stdout.write(JSON.stringify(what) + '\n')
exports.tell = tell

/** Obeys one command after the other until the input ends. */
exports.obey = async commands => {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    const command = JSON.parse(line)
    try {
      tell(await commands[command.do](command) ?? {})
    } catch (error) {
      tell({ error: String(error.stack) })
    }
  }
  process.exit(0)
}
