#include "proxy/conntrack_sysctls.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <thread>

namespace kpp::proxy {
namespace {

async::Task<std::optional<long>> read_sysctl(sys::Commands& commands, std::string name) {
  std::vector<std::string> look{"sysctl", "-n", cat("net/netfilter/", name)};
  const auto text = co_await commands.run(std::move(look), {});
  if (!text) co_return std::nullopt;
  long value = 0;
  const auto read = std::from_chars(text->data(), text->data() + text->size(), value);
  if (read.ec != std::errc()) co_return std::nullopt;
  co_return value;
}

async::Task<void> write_sysctl(sys::Commands& commands, std::string name, long value, Logger log) {
  const std::string entry = cat("net/netfilter/", name);
  log.info("Set sysctl", {kv("entry", entry), kv("value", value)});
  std::vector<std::string> set{"sysctl", "-q", "-w", cat(entry, "=", value)};
  const auto done = co_await commands.run(std::move(set), {});
  if (!done) log.warning("Sysctl cannot be set", {kv("entry", entry), kv("err", done.error())});
}

}  // namespace

std::vector<std::pair<std::string, long>> conntrack_timeouts(const ConntrackOptions& options) {
  std::vector<std::pair<std::string, long>> out;
  const auto add = [&](const char* name, Duration span) {
    const long value = std::chrono::duration_cast<std::chrono::seconds>(span).count();
    if (value > 0) out.emplace_back(name, value);
  };
  add("nf_conntrack_tcp_timeout_established", options.tcp_established_timeout);
  add("nf_conntrack_tcp_timeout_close_wait", options.tcp_close_wait_timeout);
  if (options.tcp_be_liberal) out.emplace_back("nf_conntrack_tcp_be_liberal", 1);
  add("nf_conntrack_udp_timeout", options.udp_timeout);
  add("nf_conntrack_udp_timeout_stream", options.udp_stream_timeout);
  return out;
}

long conntrack_max(const ConntrackOptions& options, long cores) {
  if (options.max_per_core <= 0) return 0;
  return std::max<long>(options.max_per_core * cores, options.min);
}

async::Task<void> set_conntrack_sysctls(sys::Commands& commands, ConntrackOptions options,
                                        Logger log) {
  const long max =
      conntrack_max(options, static_cast<long>(std::max(1U, std::thread::hardware_concurrency())));
  if (max > 0) {
    // More than wanted does no harm.
    const auto is = co_await read_sysctl(commands, "nf_conntrack_max");
    if (is && *is < max) co_await write_sysctl(commands, "nf_conntrack_max", max, log);
  }
  const auto timeouts = conntrack_timeouts(options);
  for (const auto& [name, value] : timeouts) {
    const auto is = co_await read_sysctl(commands, name);
    if (is && *is != value) co_await write_sysctl(commands, name, value, log);
  }
}

}  // namespace kpp::proxy
