#!/usr/bin/env python3
"""The contract of container runtimes (cri_contract), asked of containerd and of Docker behind its shim, each in a machine
of a lab. Afterwards Docker has no container of ours, and the node no veth."""
import os
import re
import shutil
import unittest

from cluster import KPP, ROOT, images_archive, run, wait_until

CONTRACT = os.path.join(os.path.dirname(KPP), 'cri_contract')
REGISTRY = os.path.join(ROOT, 'tests/integration/pods/registry.py')
CNI = """{"cniVersion": "1.0.0", "name": "contract", "plugins": [
  {"type": "bridge", "bridge": "cni0", "isDefaultGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "dataDir": "/run/cni", "ranges": [[{"subnet": "10.244.0.0/24"}]]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}"""


class Contract(unittest.TestCase):
    def machine(self, runtime):
        name = f'e2e-cri-{runtime}'
        self.addCleanup(run, [KPP, 'lab', 'down', '--name', name])
        run([KPP, 'lab', 'up', '--nodes', 'machine', '--bare', '--runtime', runtime, '--name', name], check=True)

        def inside(*command, stdin=None, timeout=300):
            return run([KPP, 'lab', 'enter', 'machine', '--name', name, '--', *command], stdin=stdin, timeout=timeout)
        written = inside('sh', '-c', 'mkdir -p /etc/cni/net.d && cat > /etc/cni/net.d/10.conflist', stdin=CNI)
        self.assertEqual(written.code, 0, written)
        run([KPP, 'lab', 'load', 'machine', images_archive(), '--name', name], check=True)
        return inside

    def ask(self, runtime, socket):
        inside = self.machine(runtime)
        inside('sh', '-c', f'setsid python3 {REGISTRY} 5000 {images_archive()} </dev/null >/tmp/registry.log 2>&1 & '
               f'setsid python3 {REGISTRY} 5001 {images_archive()} challenge </dev/null >/tmp/guarded.log 2>&1 &')
        wait_until('the registries listen', lambda: inside('ss', '-ltn').out.count(':500') == 2, 30)
        answer = inside('env', f'CRI_ENDPOINT=unix://{socket}', 'CRI_REGISTRY=localhost:5000',
                        'CRI_PRIVATE_REGISTRY=localhost:5001', CONTRACT)
        self.assertEqual(answer.code, 0, answer)
        self.assertRegex(answer.out, r'\[  PASSED  \] \d+ tests')
        self.assertNotIn('SKIPPED', answer.out)
        left = inside('sh', '-c', 'ls /sys/class/net; ls /run/cni/contract 2>/dev/null')
        self.assertFalse(re.findall(r'veth\S*', left.out), left)
        self.assertFalse(re.findall(r'^10\.244\.0\.\d+$', left.out, re.M), left)
        return inside

    def test_containerd(self):
        self.ask('containerd', '/run/containerd/containerd.sock')

    @unittest.skipIf(shutil.which('dockerd') is None, 'docker.io is not installed')
    def test_docker(self):
        inside = self.ask('docker', '/run/cri-dockerd.sock')
        self.assertEqual(inside('docker', 'ps', '--all', '--quiet').out, '')


if __name__ == '__main__':
    unittest.main(verbosity=2)
