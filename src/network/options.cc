#include "network/options.h"

#include <charconv>

#include "base/fs.h"

namespace kpp::network {
namespace {

constexpr std::size_t kMaxValue = 4096;
constexpr int kMinMtu = 576;  // what every IPv4 link carries
constexpr int kMaxMtu = 65535;
constexpr int kMaxVni = (1 << 24) - 1;
constexpr int kMaxPort = 65535;

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const auto first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Result<int> number(std::string_view key, std::string_view value, int least, int most) {
  int out = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), out);
  if (read.ec != std::errc() || read.ptr != value.data() + value.size() || out < least ||
      out > most) {
    return fail(Reason::kInvalid,
                cat(key, ": ", quoted(value), " must be a number between ", least, " and ", most));
  }
  return out;
}

}  // namespace

Status set_option(NetworkOptions& options, std::string_view key, std::string_view value) {
  if (key == "mode") {
    if (value != "vxlan" && value != "direct")
      return {Reason::kInvalid, cat("mode: ", quoted(value), " must be vxlan or direct")};
    options.mode = value == "direct" ? Mode::kDirect : Mode::kVxlan;
    return {};
  }
  if (key == "vni") {
    KPP_ASSIGN(const int vni, number(key, value, 1, kMaxVni));
    options.vni = static_cast<std::uint32_t>(vni);
    return {};
  }
  if (key == "port") {
    KPP_ASSIGN(const int port, number(key, value, 1, kMaxPort));
    options.port = static_cast<std::uint16_t>(port);
    return {};
  }
  if (key == "mtu") {
    if (value == "0") return {};
    KPP_ASSIGN(options.mtu, number(key, value, kMinMtu, kMaxMtu));
    return {};
  }
  return {Reason::kInvalid,
          cat("unknown setting ", quoted(key), "; there are mode, vni, port and mtu")};
}

Status read_settings(const std::string& directory, NetworkOptions& options) {
  if (!fs::exists(directory)) return {};
  KPP_ASSIGN(const auto names, fs::list(directory));
  for (const std::string& name : names) {
    if (name.starts_with('.')) continue;  // what a mounted ConfigMap is kept in
    KPP_ASSIGN(const std::string value, fs::read_file(cat(directory, "/", name), kMaxValue));
    KPP_RETURN_IF_ERROR(set_option(options, name, trimmed(value)));
  }
  return {};
}

}  // namespace kpp::network
