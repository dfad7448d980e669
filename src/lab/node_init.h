// The first process of a node: makes the node's namespaces and file system, then reaps.
#pragma once

#include "base/status.h"
#include "lab/node_spec.h"

namespace kpp::lab {

// Entry point of `kpp lab-init SPEC`; SPEC is a file with an InitSpec. Run by Lab, in a process of
// its own.
//
// Joins the node's cgroups, makes new mount, UTS, IPC, network, PID and cgroup namespaces, and
// forks the node's init, which puts an overlay of the machine's root together with fresh /proc,
// /sys, /dev/pts, /run and cgroup mounts, and makes it its root. Prints init's process id and ends
// with 0 once the node can be entered; else writes the reason to stderr and ends with 1. Init
// itself does nothing but reap; it ends by SIGKILL from outside, and every process of the node with
// it.
int lab_init_main(int argc, char** argv);

}  // namespace kpp::lab
