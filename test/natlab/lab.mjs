// A public network with a server's place in it, and sites behind NATs and firewalls of several kinds:
// network namespaces, joined by veth pairs. All are gone when this process is.
//
//     client ---- router ---- public network ---- client without NAT
//     10.N.0.2    203.0.113.N         203.0.113.1       203.0.113.M

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';

export const server = '203.0.113.1';
export const network = '203.0.113.0/24';

// What a router does with datagrams and connections from inside. Linux's NAT filters what comes back by
// address and port. It keeps a port where it can, so that one client behind it has the same address to
// everybody; `fully-random` gives each destination another.
const keepsPorts = 'masquerade';
const drawsPorts = 'masquerade fully-random';
export const kinds = {
  'no NAT': null,
  'port-preserving NAT': { nat: keepsPorts, lets: 'accept' },
  'symmetric NAT': { nat: drawsPorts, lets: 'accept' },
  'no UDP': { nat: keepsPorts, lets: 'meta l4proto tcp accept' },
  'only TCP 443': { nat: keepsPorts, lets: 'tcp dport 443 accept', inspects: true },
};

// A connection whose first bytes are not those of TLS is reset; one whose are is not looked at again. The
// second line, too, is for packets that have any bytes: a handshake of TCP goes by.
const onlyTls = `
      iifname lan tcp dport 443 ct mark 0 @ih,0,16 0x1603 ct mark set 1
      iifname lan tcp dport 443 ct mark 0 @ih,0,8 >= 0 reject with tcp reset`;

// Nothing of what else is not let through is answered: the worst that firewalls do. The router itself drops
// what is not for a client, before conntrack would take note of it and then avoid the port.
const rules = ({ nat, lets, inspects = false }) => `
  table ip natlab {
    chain translate { type nat hook postrouting priority srcnat; oifname wan ${nat}; }
    chain forward {
      type filter hook forward priority filter; policy drop;${inspects ? onlyTls : ''}
      ct state established,related accept
      iifname lan ${lets}
    }
    chain input { type filter hook input priority filter; policy drop; }
  }`;

function command(program, args, input) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')}: ${error ?? stderr.trim()}`);
  return stdout;
}

/** Without a name a namespace lives as long as a process in it: here one that ends when this one does, however. */
class Namespace {
  #holder;

  static async make() {
    const made = new Namespace();
    made.#holder = spawn('unshare', ['--net', 'sh', '-c', 'echo in; exec cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(made.#holder.stdout, 'data');
    made.pid = String(made.#holder.pid);
    made.write('net/ipv6/conf/all/disable_ipv6', 1);
    made.ip('link', 'set', 'lo', 'up');
    return made;
  }

  /** The command line of a program there, which ends with this process. */
  inside(program, args) {
    return ['nsenter', ['--target', this.pid, '--net', 'setpriv', '--pdeathsig', 'KILL', program, ...args]];
  }

  /** Its output. */
  run(program, args, input) {
    return command(...this.inside(program, args), input);
  }

  ip(...args) {
    this.run('ip', args);
  }

  write(key, value) {
    this.run('sh', ['-c', `echo ${value} >/proc/sys/${key}`]);
  }

  close() {
    this.#holder.stdin.end();
  }
}

export class Lab {
  #namespaces = [];
  #children = new Set();
  #sites = 0;

  static async make() {
    const lab = new Lab();
    lab.public = await lab.#namespace();
    lab.public.ip('link', 'add', 'street', 'type', 'bridge');
    lab.public.ip('addr', 'add', `${server}/24`, 'dev', 'street');
    lab.public.ip('link', 'set', 'street', 'up');
    return lab;
  }

  /** The namespace of a new client in such a network. */
  async site(kind) {
    const number = 10 + (this.#sites += 1);
    const inside = await this.#namespace();
    const router = kinds[kind];
    if (!router) {
      this.#onTheStreet(inside, number);
      return inside;
    }
    const outside = await this.#namespace();
    this.#onTheStreet(outside, number);
    wire(inside, 'eth0', `10.${number}.0.2/24`, outside, 'lan');
    outside.ip('addr', 'add', `10.${number}.0.1/24`, 'dev', 'lan');
    inside.ip('route', 'add', 'default', 'via', `10.${number}.0.1`);
    outside.write('net/ipv4/ip_forward', 1);
    outside.run('nft', ['-f', '-'], rules(router));
    return inside;
  }

  /** A program there; it ends with the lab at the latest. */
  spawn(namespace, program, args, options) {
    const child = spawn(...namespace.inside(program, args), options);
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }

  close() {
    for (const child of this.#children) child.kill('SIGKILL');
    for (const namespace of this.#namespaces) namespace.close();
  }

  async #namespace() {
    const namespace = await Namespace.make();
    this.#namespaces.push(namespace);
    return namespace;
  }

  #onTheStreet(namespace, number) {
    wire(namespace, 'wan', `203.0.113.${number}/24`, this.public, `site-${number}`);
    this.public.ip('link', 'set', `site-${number}`, 'master', 'street');
  }
}

function wire(namespace, name, address, there, nameThere) {
  command('ip', ['link', 'add', name, 'netns', namespace.pid, 'type', 'veth', 'peer', 'name', nameThere, 'netns', there.pid]);
  namespace.ip('addr', 'add', address, 'dev', name);
  namespace.ip('link', 'set', name, 'up');
  there.ip('link', 'set', nameThere, 'up');
}
