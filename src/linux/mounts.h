// Mounts of the caller's mount namespace.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::sys {

// One line of /proc/PID/mountinfo.
struct Mount {
  int id = 0;
  int parent = 0;
  std::string root;         // the part of the file system that is mounted
  std::string target;       // where
  std::string options;      // of the mount: rw,nosuid,...
  std::string propagation;  // "shared:1 master:2", empty: private
  std::string type;         // file system
  std::string source;
  std::string super_options;
};

// Parses mountinfo text; octal escapes are undone. kCorrupt names the line that is none.
Result<std::vector<Mount>> parse_mountinfo(std::string_view text);
// The mounts of the caller, in the order in which they were made.
Result<std::vector<Mount>> list_mounts();
Result<bool> is_mount_point(const std::string& path);

// mount(2). The target must exist. flags are MS_*.
Status mount_fs(const std::string& type, const std::string& source, const std::string& target,
                unsigned long flags = 0, const std::string& data = "");
// Bind mount of a file or directory; with everything mounted below it if recursive.
Status bind_mount(const std::string& source, const std::string& target, bool recursive = false,
                  bool read_only = false);
// `restricted`: no devices and no set-user-ID programs.
Status mount_tmpfs(const std::string& target, const std::string& options = "mode=0755",
                   bool restricted = true);
Status mount_overlay(const std::string& lower, const std::string& upper, const std::string& work,
                     const std::string& target);

enum class Propagation { kPrivate, kShared, kSlave };
Status set_propagation(const std::string& target, Propagation propagation, bool recursive);

// Unmounts what is mounted at or below a path, the deepest and newest first; detaches what is busy.
// Ok if nothing is.
Status unmount_tree(const std::string& path);

// Makes a directory that is a mount point the root of the mount namespace; the old root is out of
// reach afterwards.
Status switch_root(const std::string& new_root);

}  // namespace kpp::sys
