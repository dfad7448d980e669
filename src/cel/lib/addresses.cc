// IP addresses and ranges of them.
#include <arpa/inet.h>

#include <array>
#include <charconv>
#include <cstring>

#include "base/cat.h"
#include "cel/lib/costs.h"
#include "cel/lib/libraries.h"

namespace kpp::cel {
namespace {

constexpr std::size_t kBytes4 = 4;
constexpr std::size_t kBytes6 = 16;

struct Ip {
  std::array<unsigned char, kBytes6> bytes{};
  bool is6 = false;
  std::size_t bits() const { return is6 ? 8 * kBytes6 : 8 * kBytes4; }
  friend bool operator==(const Ip&, const Ip&) = default;
};

struct Cidr {
  Ip ip;
  std::size_t length = 0;
  friend bool operator==(const Cidr&, const Cidr&) = default;
};

template <class T>
class Box final : public Opaque {
 public:
  Box(T held, TypeRef type) : held_(std::move(held)), type_(std::move(type)) {}
  TypeRef type() const override { return type_; }
  bool equals(const Opaque& other) const override {
    const auto* box = dynamic_cast<const Box*>(&other);
    return box != nullptr && box->held_ == held_;
  }
  const T& held() const { return held_; }

 private:
  T held_;
  TypeRef type_;
};

Value value_of(const Ip& ip) {
  static const TypeRef kType = Type::opaque("net.IP");
  return Value::of(std::shared_ptr<const Opaque>(std::make_shared<const Box<Ip>>(ip, kType)));
}
Value value_of(const Cidr& cidr) {
  static const TypeRef kType = Type::opaque("net.CIDR");
  return Value::of(std::shared_ptr<const Opaque>(std::make_shared<const Box<Cidr>>(cidr, kType)));
}
const Ip& ip_of(const Value& value) { return value.opaque<Box<Ip>>()->held(); }
const Cidr& cidr_of(const Value& value) { return value.opaque<Box<Cidr>>()->held(); }

bool is_mapped(const Ip& ip) {
  constexpr unsigned char kPrefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};
  return ip.is6 && std::memcmp(ip.bytes.data(), kPrefix, sizeof kPrefix) == 0;
}

std::pair<std::optional<Ip>, std::string> parse_ip(const std::string& text) {
  Ip out;
  out.is6 = text.find(':') != std::string::npos;
  if (text.find('%') != std::string::npos)
    return {std::nullopt, cat("IP address ", quoted(text), " with zone value is not allowed")};
  if (inet_pton(out.is6 ? AF_INET6 : AF_INET, text.c_str(), out.bytes.data()) != 1 ||
      text.find('\0') != std::string::npos) {
    return {std::nullopt, cat("IP Address ", quoted(text),
                              " parse error during conversion from string: ParseAddr(",
                              quoted(text), "): unable to parse IP")};
  }
  if (is_mapped(out))
    return {std::nullopt, cat("IPv4-mapped IPv6 address ", quoted(text), " is not allowed")};
  return {out, ""};
}

std::string text_of(const Ip& ip) {
  char buffer[INET6_ADDRSTRLEN] = {};
  inet_ntop(ip.is6 ? AF_INET6 : AF_INET, ip.bytes.data(), buffer, sizeof buffer);
  return buffer;
}

std::pair<std::optional<Cidr>, std::string> parse_cidr(const std::string& text) {
  const auto wrong = [&text](std::string_view why) {
    return std::pair(std::optional<Cidr>(),
                     cat("network address parse error during conversion from string: "
                         "netip.ParsePrefix(",
                         quoted(text), "): ", why));
  };
  const auto slash = text.rfind('/');
  if (slash == std::string::npos) return wrong("no '/'");
  const auto [ip, why] = parse_ip(text.substr(0, slash));
  if (!ip) {
    if (why.starts_with("IPv4-mapped")) return {std::nullopt, why};
    return wrong(cat("ParseAddr(", quoted(text.substr(0, slash)), "): unable to parse IP"));
  }
  Cidr out;
  out.ip = *ip;
  const std::string_view length = std::string_view(text).substr(slash + 1);
  const auto [end, error] =
      std::from_chars(length.data(), length.data() + length.size(), out.length);
  const bool plain = error == std::errc() && end == length.data() + length.size() &&
                     (length.size() == 1 || length[0] != '0');
  if (!plain) return wrong(cat("bad bits after slash: ", quoted(length)));
  if (out.length > ip->bits()) return wrong("prefix length out of range");
  return {out, ""};
}

std::string text_of(const Cidr& cidr) { return cat(text_of(cidr.ip), "/", cidr.length); }

bool bit(const Ip& ip, std::size_t at) { return (ip.bytes[at / 8] >> (7 - at % 8) & 1) != 0; }

bool contains(const Cidr& cidr, const Ip& ip) {
  if (cidr.ip.is6 != ip.is6) return false;
  for (std::size_t i = 0; i < cidr.length; ++i) {
    if (bit(cidr.ip, i) != bit(ip, i)) return false;
  }
  return true;
}

Cidr masked(Cidr cidr) {
  for (std::size_t i = cidr.length; i < cidr.ip.bits(); ++i)
    cidr.ip.bytes[i / 8] &= static_cast<unsigned char>(~(1U << (7 - i % 8)));
  return cidr;
}

bool is_zero(const Ip& ip) { return ip.bytes == std::array<unsigned char, kBytes6>{}; }
bool is_loopback(const Ip& ip) {
  if (!ip.is6) return ip.bytes[0] == 127;
  Ip one;
  one.is6 = true;
  one.bytes[15] = 1;
  return ip == one;
}
bool is_multicast(const Ip& ip) {
  return ip.is6 ? ip.bytes[0] == 0xFF : (ip.bytes[0] & 0xF0) == 0xE0;
}
bool is_link_local_multicast(const Ip& ip) {
  if (ip.is6) return ip.bytes[0] == 0xFF && (ip.bytes[1] & 0x0F) == 0x02;
  return ip.bytes[0] == 224 && ip.bytes[1] == 0 && ip.bytes[2] == 0;
}
bool is_link_local_unicast(const Ip& ip) {
  if (ip.is6) return ip.bytes[0] == 0xFE && (ip.bytes[1] & 0xC0) == 0x80;
  return ip.bytes[0] == 169 && ip.bytes[1] == 254;
}
bool is_global_unicast(const Ip& ip) {
  const bool broadcast = !ip.is6 && ip.bytes[0] == 255 && ip.bytes[1] == 255 &&
                         ip.bytes[2] == 255 && ip.bytes[3] == 255;
  return !is_zero(ip) && !broadcast && !is_loopback(ip) && !is_multicast(ip) &&
         !is_link_local_unicast(ip);
}

template <bool (*kTest)(const Ip&)>
Value tested(Args args) {
  return Value::of(kTest(ip_of(args[0])));
}

void add_ips(FunctionTable& table) {
  table.add(
      "ip(string) -> net.IP",
      [](Args args) {
        auto [ip, why] = parse_ip(*args[0].text());
        return ip ? value_of(*ip) : Value::fail(why);
      },
      cost_walk_first);
  table.add(
      "isIP(string) -> bool",
      [](Args args) { return Value::of(parse_ip(*args[0].text()).first.has_value()); },
      cost_walk_first);
  table.add(
      "ip.isCanonical(string) -> bool",
      [](Args args) {
        auto [ip, why] = parse_ip(*args[0].text());
        return ip ? Value::of(text_of(*ip) == *args[0].text()) : Value::fail(why);
      },
      cost_walk_first);
  table.add("string(net.IP) -> string",
            [](Args args) { return Value::of(text_of(ip_of(args[0]))); });
  table.add("net.IP.family() -> int",
            [](Args args) { return Value::of(ip_of(args[0]).is6 ? 6 : 4); });
  table.add("net.IP.isUnspecified() -> bool", tested<is_zero>);
  table.add("net.IP.isLoopback() -> bool", tested<is_loopback>);
  table.add("net.IP.isLinkLocalMulticast() -> bool", tested<is_link_local_multicast>);
  table.add("net.IP.isLinkLocalUnicast() -> bool", tested<is_link_local_unicast>);
  table.add("net.IP.isGlobalUnicast() -> bool", tested<is_global_unicast>);
}

Value contains_cidr(const Cidr& all, const Cidr& some) {
  return Value::of(all.length <= some.length && contains(all, some.ip));
}

void add_cidrs(FunctionTable& table) {
  table.add(
      "cidr(string) -> net.CIDR",
      [](Args args) {
        auto [cidr, why] = parse_cidr(*args[0].text());
        return cidr ? value_of(*cidr) : Value::fail(why);
      },
      cost_walk_first);
  table.add(
      "isCIDR(string) -> bool",
      [](Args args) { return Value::of(parse_cidr(*args[0].text()).first.has_value()); },
      cost_walk_first);
  table.add("string(net.CIDR) -> string",
            [](Args args) { return Value::of(text_of(cidr_of(args[0]))); });
  table.add("net.CIDR.containsIP(net.IP) -> bool",
            [](Args args) { return Value::of(contains(cidr_of(args[0]), ip_of(args[1]))); });
  table.add("net.CIDR.containsIP(string) -> bool", [](Args args) {
    auto [ip, why] = parse_ip(*args[1].text());
    return ip ? Value::of(contains(cidr_of(args[0]), *ip)) : Value::fail(why);
  });
  table.add("net.CIDR.containsCIDR(net.CIDR) -> bool",
            [](Args args) { return contains_cidr(cidr_of(args[0]), cidr_of(args[1])); });
  table.add("net.CIDR.containsCIDR(string) -> bool", [](Args args) {
    auto [cidr, why] = parse_cidr(*args[1].text());
    return cidr ? contains_cidr(cidr_of(args[0]), *cidr) : Value::fail(why);
  });
  table.add("net.CIDR.ip() -> net.IP", [](Args args) { return value_of(cidr_of(args[0]).ip); });
  table.add("net.CIDR.masked() -> net.CIDR",
            [](Args args) { return value_of(masked(cidr_of(args[0]))); });
  table.add("net.CIDR.prefixLength() -> int", [](Args args) {
    return Value::of(static_cast<std::int64_t>(cidr_of(args[0]).length));
  });
}

}  // namespace

void add_address_library(FunctionTable& table) {
  add_ips(table);
  add_cidrs(table);
}

}  // namespace kpp::cel
