#include "kubelet/node/machine.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <memory>
#include <sstream>

#include "base/fs.h"
#include "linux/fd.h"

namespace kpp::kubelet {
namespace {

std::string line_of(const std::string& path) {
  auto text = fs::read_file(path, 64 * 1024);
  if (!text) return {};
  while (!text->empty() && (text->back() == '\n' || text->back() == ' ')) text->pop_back();
  return std::move(*text);
}

std::int64_t of_meminfo(std::string_view name) {
  std::istringstream lines(line_of("/proc/meminfo"));
  std::string line;
  while (std::getline(lines, line)) {
    if (line.starts_with(name)) return std::strtoll(line.c_str() + name.size(), nullptr, 10) * 1024;
  }
  return 0;
}

std::string os_image() {
  std::string text = line_of("/etc/os-release");
  if (text.empty()) text = line_of("/usr/lib/os-release");
  std::istringstream lines(text);
  std::string line;
  while (std::getline(lines, line)) {
    if (!line.starts_with("PRETTY_NAME=")) continue;
    line.erase(0, 12);
    if (line.size() >= 2 && line.front() == '"' && line.back() == '"')
      line = line.substr(1, line.size() - 2);
    return line;
  }
  return "Linux";
}

std::vector<Machine::Hugepages> hugepages() {
  std::vector<Machine::Hugepages> out;
  const std::string root = "/sys/kernel/mm/hugepages";
  const auto names = fs::list(root);
  if (!names) return out;
  for (const auto& name : *names) {
    if (!name.starts_with("hugepages-")) continue;
    Machine::Hugepages pages;
    pages.size_kib = std::strtoll(name.c_str() + 10, nullptr, 10);
    pages.count = std::strtoll(line_of(cat(root, "/", name, "/nr_hugepages")).c_str(), nullptr, 10);
    out.push_back(pages);
  }
  return out;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

std::string text_of(const sockaddr* address) {
  char out[INET6_ADDRSTRLEN] = {};
  if (address->sa_family == AF_INET) {
    const auto* const in = reinterpret_cast<const sockaddr_in*>(address);
    if ((ntohl(in->sin_addr.s_addr) >> 24) == 127) return {};
    ::inet_ntop(AF_INET, &in->sin_addr, out, sizeof out);
  }
  return out;
}

// The kernel says which address it would send from; nothing is sent.
std::string source_address() {
  const sys::Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  ::inet_pton(AF_INET, "192.0.2.1", &to.sin_addr);
  sockaddr_in from{};
  socklen_t size = sizeof from;
  if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 ||
      ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&from), &size) != 0) {
    return {};
  }
  return text_of(reinterpret_cast<const sockaddr*>(&from));
}

}  // namespace

std::string default_node_address(const std::string& host_name) {
  addrinfo hints{};
  hints.ai_family = AF_INET;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host_name.c_str(), nullptr, &hints, &found) == 0) {
    const Addresses addresses(found, &::freeaddrinfo);
    for (const addrinfo* at = found; at != nullptr; at = at->ai_next) {
      std::string text = text_of(at->ai_addr);
      if (!text.empty()) return text;
    }
  }
  return source_address();
}

Machine read_machine(const std::string& root_dir) {
  Machine out;
  out.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  out.memory_bytes = of_meminfo("MemTotal:");
  out.swap_bytes = of_meminfo("SwapTotal:");
  // The directory may not be there yet: it will be on the file system of the nearest one that is.
  std::string on_disk = root_dir;
  while (on_disk.size() > 1 && !fs::exists(on_disk)) {
    const auto slash = on_disk.rfind('/');
    on_disk =
        slash == 0 || slash == std::string::npos ? std::string("/") : on_disk.substr(0, slash);
  }
  struct statvfs disk{};
  if (::statvfs(on_disk.c_str(), &disk) == 0) {
    out.disk_bytes =
        static_cast<std::int64_t>(disk.f_blocks) * static_cast<std::int64_t>(disk.f_frsize);
  }
  out.hugepages = hugepages();
  out.machine_id = line_of("/etc/machine-id");
  out.system_uuid = line_of("/sys/class/dmi/id/product_uuid");
  if (out.system_uuid.empty()) out.system_uuid = out.machine_id;
  out.boot_id = line_of("/proc/sys/kernel/random/boot_id");
  out.os_image = os_image();
  struct utsname names{};
  if (::uname(&names) == 0) {
    out.kernel_version = names.release;
    const std::string machine = names.machine;
    out.architecture = machine == "x86_64" ? "amd64" : machine == "aarch64" ? "arm64" : machine;
  }
  return out;
}

}  // namespace kpp::kubelet
