// Preloaded into the program by test/unit/cli/offline.test.ts: every attempt to leave this machine is refused and written down.
const { appendFileSync } = require("node:fs");
const dgram = require("node:dgram");
const dns = require("node:dns");
const net = require("node:net");

const local = /^(localhost|127\.|::1$)/;
const refuse = (what) => {
  appendFileSync(process.env.NETWORK_ATTEMPTS, `${what}\n`);
  return Object.assign(new Error(`no network: ${what}`), { code: "ENETUNREACH" });
};
const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...given) {
  const [options] = net._normalizeArgs(Array.isArray(given[0]) ? given[0] : given);
  if (typeof options.path !== "string" && options.host !== undefined && !local.test(options.host)) {
    process.nextTick(() => this.destroy(refuse(`connect ${options.host}:${options.port}`)));
    return this;
  }
  return connect.apply(this, given);
};
const { lookup } = dns;
dns.lookup = (host, options, callback) =>
  local.test(host)
    ? lookup(host, options, callback)
    : process.nextTick(callback ?? options, refuse(`lookup ${host}`));
dgram.Socket.prototype.send = (...given) => {
  throw refuse(`send ${given.at(-2)}`);
};
