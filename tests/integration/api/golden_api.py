#!/usr/bin/env python3
"""Replays the recorded conversations of the original against `kpp kube-apiserver`, with the namespace and garbage collection
controllers beside it.

The recordings stand in ../shared/golden beside the checkout (KPP_GOLDEN names another place); without them the test says so and
ends. docs/compatibility.md lists the scenarios that are known to differ: any other that differs fails the test.
`--write` writes that file's table anew from what passed; the rows of other areas (proxy, pods) stay as they are."""
import argparse
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
import ssl

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
KPP = os.environ.get('KPP', os.path.join(ROOT, 'build/release/bin/kpp'))
GOLDEN = os.environ.get('KPP_GOLDEN', os.path.join(os.path.dirname(ROOT), 'shared', 'golden'))
DOCUMENT = os.path.join(ROOT, 'docs/compatibility.md')
RECORDED_PORT = 26443  # of the original; it shows in the kubernetes service
BEGIN, END = '<!-- api: written by tests/integration/api/golden_api.py -->', '<!-- api end -->'


def free_port():
    """The recorded one where nobody has it, else any."""
    for port in (RECORDED_PORT, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(('127.0.0.1', port))
            except OSError:
                continue
            return probe.getsockname()[1]
    raise SystemExit('no port is free')


class Servers:
    def __init__(self):
        self.port = free_port()
        self.folder = tempfile.mkdtemp(prefix='kpp-golden-')
        self.log = open(os.path.join(self.folder, 'log'), 'wb')
        tokens = os.path.join(self.folder, 'tokens.csv')
        with open(tokens, 'w', encoding='utf-8') as file:
            file.write('admin-token,admin,admin,"system:masters"\nuser-token,user2,user2\n')
        data = os.path.join(self.folder, 'data')
        self.processes = [self.start('kube-apiserver', '--data-dir', data, '--bind-address', '127.0.0.1',
                                     '--secure-port', str(self.port), '--token-auth-file', tokens)]
        self.wait_ready()
        self.processes.append(self.start('kube-controller-manager', '--leader-elect=false', '--secure-port=0', '--kubeconfig', os.path.join(data, 'admin.conf'),
                                         '--controllers=namespace-controller,garbage-collector-controller'))

    def start(self, *argv):
        return subprocess.Popen([KPP, *argv], stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL)

    def wait_ready(self):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        end = time.time() + 30
        while time.time() < end:
            try:
                with urllib.request.urlopen(f'https://127.0.0.1:{self.port}/readyz', context=context, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                time.sleep(0.05)
        raise SystemExit('the API server did not become ready')

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        codes = [process.wait(20) for process in self.processes]
        shutil.rmtree(self.folder)
        return codes


# Custom resources have no endpoints of their own yet: their recordings would only wait for them.
AREAS = ['discovery', 'crud', 'errors', 'patch', 'listwatch', 'delete', 'subresources', 'admission']


def replay(port):
    """Answers {area/name: passed} and what the replay printed."""
    program = os.path.join(GOLDEN, 'api/replay.py')
    result, text = {}, ''
    for area in AREAS:
        out = subprocess.run([sys.executable, program, '--server', f'https://127.0.0.1:{port}', '--token', 'admin-token',
                              '--token2', 'user-token', '--verbose', '--area', area], stdout=subprocess.PIPE, text=True,
                             check=False).stdout
        for line in out.splitlines():
            match = re.match(r'(ok  |FAIL) ([a-z]+/\S+)', line)
            if match:
                result[match.group(2)] = match.group(1) == 'ok  '
        text += out
    return result, text


def known_differences():
    try:
        with open(DOCUMENT, encoding='utf-8') as file:
            text = file.read()
    except FileNotFoundError:
        return set()
    part = text.partition(BEGIN)[2].partition(END)[0]
    return set(re.findall(r'`([a-z]+/[^`]+)`', part))


def write_document(result):
    areas = {}
    for name, passed in result.items():
        areas.setdefault(name.split('/')[0], []).append((name, passed))
    lines = [BEGIN, '', '| area | passed | of | scenarios that differ |', '|---|---|---|---|']
    for area, rows in areas.items():
        failed = sorted(name for name, passed in rows if not passed)
        lines.append(f'| api: {area} | {len(rows) - len(failed)} | {len(rows)} | {", ".join(f"`{n}`" for n in failed)} |')
    lines += ['', END]
    block = '\n'.join(lines)
    try:
        with open(DOCUMENT, encoding='utf-8') as file:
            text = file.read()
    except FileNotFoundError:
        text = '# Compared with the original\n\n' + BEGIN + '\n' + END + '\n'
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    with open(DOCUMENT, 'w', encoding='utf-8') as file:
        file.write(head + block + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--write', action='store_true', help='write docs/compatibility.md')
    parser.add_argument('--show', action='store_true', help='print the differences too')
    options = parser.parse_args()
    if not os.path.exists(os.path.join(GOLDEN, 'api/replay.py')):
        print(f'skipped: no recordings at {GOLDEN}')
        return 0
    servers = Servers()
    try:
        result, out = replay(servers.port)
        alive = all(process.poll() is None for process in servers.processes)
    finally:
        codes = servers.stop()
    if options.show:
        print(out)
    if not alive or any(codes):
        print(f'a server ended by itself or with an error: {codes}')
        return 1
    if options.write:
        write_document(result)
    known = known_differences()
    worse = sorted(name for name, passed in result.items() if not passed and name not in known)
    better = sorted(name for name in known if result.get(name))
    passed = sum(result.values())
    for name in better:
        print(f'passes now, take it out of docs/compatibility.md: {name}')
    for name in worse:
        print(f'differs and is not listed: {name}')
    print(f'{passed} passed, {len(worse)} failed, {len(result) - passed - len(worse)} known to differ')
    return 1 if worse or not result else 0


if __name__ == '__main__':
    sys.exit(main())
