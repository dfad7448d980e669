#include <algorithm>
#include <charconv>

#include "base/fs.h"
#include "dockershim/sandboxes.h"

namespace kpp::dockershim {
namespace {

constexpr std::uint64_t kSysResource = 24;  // CAP_SYS_RESOURCE

std::string_view trimmed(std::string_view line) {
  const std::size_t begin = line.find_first_not_of(" |");
  return begin == std::string_view::npos ? std::string_view() : line.substr(begin);
}

// "fe80...": 32 hexadecimal digits as an address in groups.
std::string ipv6_text(std::string_view digits) {
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i % 4 == 0) out += ':';
    out += digits[i];
  }
  return out;
}

}  // namespace

cni::Attachment attachment_of(const std::string& id, const Checkpoint& checkpoint,
                              std::int64_t pid) {
  cni::Attachment out;
  out.id = id;
  out.name = checkpoint.name;
  out.pod_namespace = checkpoint.pod_namespace;
  out.uid = checkpoint.uid;
  if (pid > 0) out.network_namespace = cat("/proc/", pid, "/ns/net");
  if (auto ports = json::parse(write_port_mappings(checkpoint.port_mappings));
      ports && !ports->as_array().empty())
    out.capabilities["portMappings"] = std::move(*ports);
  return out;
}

std::int64_t lowest_oom_score_adj() {
  const std::string status = fs::read_file("/proc/self/status", 1u << 16).value_or("");
  std::uint64_t capabilities = 0;
  if (const std::size_t at = status.find("CapEff:\t"); at != std::string::npos) {
    const char* const digits = status.data() + at + 8;
    std::from_chars(digits, status.data() + status.size(), capabilities, 16);
  }
  if ((capabilities >> kSysResource & 1) != 0) return -1000;
  std::int64_t own = 0;
  const std::string text = fs::read_file("/proc/self/oom_score_adj", 64).value_or("");
  std::from_chars(text.data(), text.data() + text.size(), own);
  return own;
}

std::vector<std::string> parse_addresses(std::string_view fib_trie, std::string_view if_inet6) {
  std::vector<std::string> out;
  std::string_view address;
  while (!fib_trie.empty()) {
    const std::size_t end = std::min(fib_trie.find('\n'), fib_trie.size());
    const std::string_view line = trimmed(fib_trie.substr(0, end));
    fib_trie.remove_prefix(std::min(end + 1, fib_trie.size()));
    if (line.starts_with("-- ")) address = line.substr(3);
    const bool local = line.starts_with("/32 host LOCAL");
    if (!local || address.starts_with("127.")) continue;
    // The local and the main table both have it.
    if (std::ranges::find(out, address) == out.end()) out.emplace_back(address);
  }
  while (!if_inet6.empty()) {
    const std::size_t end = std::min(if_inet6.find('\n'), if_inet6.size());
    const std::string_view line = if_inet6.substr(0, end);
    if_inet6.remove_prefix(std::min(end + 1, if_inet6.size()));
    // address, interface number, prefix length, scope (00 is global), flags, name
    if (line.size() > 42 && line.substr(39, 2) == "00")
      out.push_back(ipv6_text(line.substr(0, 32)));
  }
  return out;
}

bool selects(const Labels& selector, const Labels& labels) {
  for (const auto& [key, value] : selector) {
    const auto found = labels.find(key);
    if (found == labels.end() || found->second != value) return false;
  }
  return true;
}

}  // namespace kpp::dockershim
