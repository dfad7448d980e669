#include "linux/links.h"

#include <net/if.h>

#include <algorithm>
#include <charconv>

namespace kpp::sys {
namespace {

std::uint32_t mask_of(int prefix) { return prefix == 0 ? 0 : ~std::uint32_t{0} << (32 - prefix); }

template <class T>
bool to_number(std::string_view text, T& value, T max) {
  const auto r = std::from_chars(text.data(), text.data() + text.size(), value);
  return r.ec == std::errc() && r.ptr == text.data() + text.size() && value <= max;
}

}  // namespace

std::string ipv4_text(std::uint32_t address) {
  return cat(address >> 24, ".", (address >> 16) & 255, ".", (address >> 8) & 255, ".",
             address & 255);
}

std::optional<std::uint32_t> parse_ipv4(std::string_view text) {
  std::uint32_t out = 0;
  for (int part = 0; part < 4; ++part) {
    const std::size_t dot = part < 3 ? text.find('.') : text.size();
    unsigned value = 0;
    if (dot == std::string_view::npos || !to_number(text.substr(0, dot), value, 255U))
      return std::nullopt;
    out = out << 8 | value;
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return out;
}

bool Ipv4Network::contains(std::uint32_t other) const {
  return (other & mask_of(prefix)) == address;
}

std::string Ipv4Network::host(std::uint32_t n) const { return ipv4_text(address + n); }

bool Ipv4Network::overlaps(const Ipv4Network& other) const {
  const std::uint32_t mask = mask_of(std::min(prefix, other.prefix));
  return (address & mask) == (other.address & mask);
}

std::string Ipv4Network::to_string() const { return cat(ipv4_text(address), "/", prefix); }

Result<Ipv4Network> parse_ipv4_network(std::string_view text) {
  const auto bad = [&] { return fail(Reason::kInvalid, cat("no IPv4 network: ", quoted(text))); };
  if (text == "default") return Ipv4Network{};
  Ipv4Network network{0, 32};
  const std::size_t slash = text.find('/');
  if (slash != std::string_view::npos) {
    unsigned prefix = 0;
    if (!to_number(text.substr(slash + 1), prefix, 32U)) return bad();
    network.prefix = static_cast<int>(prefix);
  }
  const auto address = parse_ipv4(text.substr(0, slash));
  if (!address) return bad();
  network.address = *address;
  network.address &= mask_of(network.prefix);
  return network;
}

Status run_ip(const std::vector<std::string>& lines, const ProcessPlace& place) {
  ProcessSpec spec;
  spec.argv = {"ip", "-batch", "-"};
  for (const std::string& line : lines) spec.input += cat(line, "\n");
  spec.place = place;
  KPP_ASSIGN(const ProcessResult result, run_process(spec));
  if (result.ok()) return {};
  std::string_view why = result.err;
  while (!why.empty() && why.back() == '\n') why.remove_suffix(1);
  return {Reason::kIo, cat("ip (", join(lines, "; "), "): ", why)};
}

std::vector<Ipv4Network> parse_routes(std::string_view text) {
  // "10.0.0.0/24 dev eth0 ...", "local 10.0.0.1 dev eth0 ...", "unreachable 10.1.0.0/16 ...",
  // "default via ..."
  std::vector<Ipv4Network> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    for (int word = 0; word < 2 && !line.empty(); ++word) {
      const std::size_t space = std::min(line.find(' '), line.size());
      const auto network = parse_ipv4_network(line.substr(0, space));
      if (network) {
        if (network->prefix > 0) out.push_back(*network);
        break;
      }
      line.remove_prefix(std::min(space + 1, line.size()));
    }
  }
  return out;
}

Result<std::vector<Ipv4Network>> routed_networks() {
  KPP_ASSIGN(const std::string text, run_checked({"ip", "-4", "route", "show", "table", "all"}));
  return parse_routes(text);
}

bool link_exists(std::string_view name) { return ::if_nametoindex(std::string(name).c_str()) != 0; }

Status delete_link(const std::string& name) {
  if (!link_exists(name)) return {};
  const Status status = run_ip({cat("link del ", name)});
  // It may have gone by itself meanwhile, with the namespace of its other end.
  return link_exists(name) ? status : Status();
}

}  // namespace kpp::sys
