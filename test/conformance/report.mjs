// A reporter of node:test that writes one line of JSON for each test, for table.mjs.

export default async function* report(events) {
  for await (const { type, data } of events) {
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (!/^[A-P]\d\d/.test(data.name)) continue;
    const result = data.skip !== undefined ? 'skip' : type === 'test:pass' ? 'pass' : 'fail';
    const reason = data.skip ?? data.todo ?? data.details?.error?.cause?.message ?? data.details?.error?.message;
    yield `${JSON.stringify({ name: data.name, result, todo: data.todo !== undefined, reason })}\n`;
  }
}
