#include "lab/capabilities.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/cat.h"
#include "base/fs.h"

namespace kpp::lab {
namespace {

// By number, as linux/capability.h has them.
constexpr std::string_view kNames[] = {"CHOWN",
                                       "DAC_OVERRIDE",
                                       "DAC_READ_SEARCH",
                                       "FOWNER",
                                       "FSETID",
                                       "KILL",
                                       "SETGID",
                                       "SETUID",
                                       "SETPCAP",
                                       "LINUX_IMMUTABLE",
                                       "NET_BIND_SERVICE",
                                       "NET_BROADCAST",
                                       "NET_ADMIN",
                                       "NET_RAW",
                                       "IPC_LOCK",
                                       "IPC_OWNER",
                                       "SYS_MODULE",
                                       "SYS_RAWIO",
                                       "SYS_CHROOT",
                                       "SYS_PTRACE",
                                       "SYS_PACCT",
                                       "SYS_ADMIN",
                                       "SYS_BOOT",
                                       "SYS_NICE",
                                       "SYS_RESOURCE",
                                       "SYS_TIME",
                                       "SYS_TTY_CONFIG",
                                       "MKNOD",
                                       "LEASE",
                                       "AUDIT_WRITE",
                                       "AUDIT_CONTROL",
                                       "SETFCAP",
                                       "MAC_OVERRIDE",
                                       "MAC_ADMIN",
                                       "SYSLOG",
                                       "WAKE_ALARM",
                                       "BLOCK_SUSPEND",
                                       "AUDIT_READ",
                                       "PERFMON",
                                       "BPF",
                                       "CHECKPOINT_RESTORE"};

template <class T>
bool read_number(std::string_view text, T& out, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out, base);
  return error == std::errc() && end != text.data();
}

}  // namespace

std::vector<std::string> missing_capabilities(std::string_view status, int last) {
  constexpr std::string_view kKey = "CapBnd:\t";
  std::vector<std::string> out;
  std::uint64_t bounding = 0;
  const std::size_t at = status.find(kKey);
  if (at == std::string_view::npos || !read_number(status.substr(at + kKey.size()), bounding, 16))
    return out;
  const int known = std::min(last, static_cast<int>(std::size(kNames)) - 1);
  for (int number = 0; number <= known; ++number) {
    if ((bounding >> number & 1) == 0) out.push_back(cat("CAP_", kNames[number]));
  }
  return out;
}

std::vector<std::string> missing_capabilities() {
  int last = 0;
  if (!read_number(fs::read_file("/proc/sys/kernel/cap_last_cap").value_or(""), last, 10))
    return {};
  return missing_capabilities(fs::read_file("/proc/self/status").value_or(""), last);
}

std::string runc_without(const std::vector<std::string>& capabilities, const std::string& runc) {
  std::string edits;
  for (const std::string& name : capabilities)
    edits += cat(" -e 's/\"", name, "\",//g' -e 's/,\"", name, "\"//g'");
  return cat(
      "#!/bin/sh\n"
      "# Made by kpp: this machine's root lacks some capabilities.\n"
      "file=\n"
      "for word; do\n"
      "  case $before in\n"
      "    --bundle|-b) file=$word/config.json ;;\n"
      "    --process|-p) file=$word ;;\n"
      "  esac\n"
      "  before=$word\n"
      "done\n"
      "[ -z \"$file\" ] || sed -i",
      edits,
      " \"$file\"\n"
      "exec ",
      runc, " \"$@\"\n");
}

}  // namespace kpp::lab
