"""The lab's pod, service and deployment again, with every other kubectl of this machine."""
import os
import subprocess
import sys

from cluster import find_kubectls

SCENARIOS = ('pod.py', 'service.py', 'deployment.py')


def main():
    programs = find_kubectls()
    if not programs:
        sys.exit('no kubectl on this machine: end-to-end tests need a real one')
    folder = os.path.dirname(os.path.abspath(__file__))
    failed = []
    if len(programs) == 1:
        print(f'only {programs[0]} was found; it has passed in the other tests')
    for program in programs[1:]:
        for scenario in SCENARIOS:
            done = subprocess.run([sys.executable, os.path.join(folder, scenario)], env={**os.environ, 'KUBECTL': program},
                                  capture_output=True, text=True, check=False)
            print(f'{os.path.basename(program)} {scenario}: {"passed" if done.returncode == 0 else "FAILED"}', flush=True)
            if done.returncode != 0:
                failed.append(f'{program} {scenario}')
                print(done.stdout + done.stderr, flush=True)
    if failed:
        sys.exit(f'{len(failed)} failed: {", ".join(failed)}')


if __name__ == '__main__':
    main()
