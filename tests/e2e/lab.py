"""Machines of a lab for a test, and what tests do with them."""
import os
import subprocess

from cluster import KPP


class Lab:
    """The lab of this name; up() first takes down what an earlier run has left."""

    def __init__(self, name):
        self.name = name

    def kpp(self, *words, stdin=None, timeout=300):
        """`kpp lab WORDS --name NAME`, with what it printed; it may fail."""
        at = words.index('--') if '--' in words else len(words)
        return subprocess.run([KPP, 'lab', *words[:at], '--name', self.name, *words[at:]], input=stdin,
                              stdin=subprocess.DEVNULL if stdin is None else None, capture_output=True, text=True,
                              check=False, timeout=timeout)

    def up(self, *words):
        self.kpp('down')
        made = self.kpp('up', *words)
        assert made.returncode == 0, made.stdout + made.stderr
        return made

    def down(self):
        gone = self.kpp('down')
        assert gone.returncode == 0, gone.stderr
        # What else runs on the machine may come and go; the lab's own test counts namespaces and mounts.
        assert not os.path.exists(f'/var/lib/kpp/lab/{self.name}')
        left = [folder for folder, _, _ in os.walk('/sys/fs/cgroup') if f'kpp-{self.name}-' in folder]
        assert left == [], left

    def load(self, machine, archive):
        loaded = self.kpp('load', machine, archive)
        assert loaded.returncode == 0, loaded.stdout + loaded.stderr

    def run(self, machine, script, stdin=None, timeout=300):
        """Runs a shell script in a machine, with what it printed; it may fail."""
        return self.kpp('enter', machine, '--', '/bin/sh', '-c', 'export KUBECONFIG=/etc/kubernetes/admin.conf; ' + script,
                        stdin=stdin, timeout=timeout)

    def enter(self, machine, script, stdin=None, check=True):
        """Runs a shell script in a machine; what it printed, with what it complained of where it may fail."""
        done = self.run(machine, script, stdin)
        if check and done.returncode != 0:
            raise AssertionError(f'{machine}: {script}\n{done.stdout}{done.stderr}')
        return done.stdout if check else done.stdout + done.stderr
