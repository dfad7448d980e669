// `kpp lab ...`: what a person does with a lab from a shell.
#pragma once

namespace kpp::lab {

// The lab that is meant when --name is not given.
inline constexpr const char* kDefaultLab = "default";

// argv[0] is "lab". `up --nodes 3|A,B [--name LAB]` (a cluster, see cluster.h; with --bare machines
// with a container runtime alone, see machines.h); `list`; `enter NODE [--name LAB] [--
// COMMAND...]`; `load NODE ARCHIVE...
// [--name LAB]` (images into the node's containerd); `down [--name LAB]`. Answers the exit code;
// for enter it is the command's own.
int lab_main(int argc, char** argv);

}  // namespace kpp::lab
