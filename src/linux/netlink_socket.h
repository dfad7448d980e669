// Netlink: requests to the kernel, answered at once.
#pragma once

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/status.h"
#include "linux/fd.h"

namespace kpp::sys {

// The attributes of a message, or of one that is nested; views into the message.
class NetlinkAttributes {
 public:
  // What is cut short ends the list.
  explicit NetlinkAttributes(std::string_view bytes);

  bool has(std::uint16_t type) const { return find(type).has_value(); }
  std::optional<std::string_view> find(std::uint16_t type) const;
  std::string text(std::uint16_t type) const;  // up to the first zero byte
  // Zero if it is not there, or of another size.
  template <class T>
    requires std::is_integral_v<T>
  T number(std::uint16_t type) const {
    const auto bytes = find(type);
    T out{};
    if (bytes && bytes->size() == sizeof out) std::memcpy(&out, bytes->data(), sizeof out);
    return out;
  }
  std::uint32_t ipv4(std::uint16_t type) const;  // host byte order
  NetlinkAttributes nested(std::uint16_t type) const;

 private:
  struct Entry {
    std::uint16_t type;
    std::string_view bytes;
  };
  std::vector<Entry> entries_;
};

// One message as the kernel takes it: a type, a fixed part, attributes.
class NetlinkRequest {
 public:
  template <class Fixed>
    requires std::is_trivially_copyable_v<Fixed>
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, const Fixed& fixed)
      : NetlinkRequest(type, flags,
                       std::string_view(reinterpret_cast<const char*>(&fixed), sizeof fixed)) {}

  void add(std::uint16_t attribute, std::string_view bytes);
  void add_text(std::uint16_t attribute, std::string_view text);  // with a zero byte at its end
  void add_ipv4(std::uint16_t attribute, std::uint32_t address);  // host byte order
  template <class T>
    requires std::is_integral_v<T>
  void add_number(std::uint16_t attribute, T value) {
    add(attribute, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  // What is added until close() lies inside this attribute.
  std::size_t open(std::uint16_t attribute);
  void close(std::size_t opened);

  std::string take(std::uint32_t sequence) &&;
  bool is_dump() const;

 private:
  NetlinkRequest(std::uint16_t type, std::uint16_t flags, std::string_view fixed);
  std::string bytes_;
};

// One answer: its fixed part and attributes follow each other in `body`.
struct NetlinkAnswer {
  std::uint16_t type = 0;
  std::string body;

  // The fixed part (zeros where the message is too short), and what follows it.
  template <class Fixed>
  Fixed fixed() const {
    Fixed out{};
    std::memcpy(&out, body.data(), std::min(body.size(), sizeof out));
    return out;
  }
  template <class Fixed>
  NetlinkAttributes attributes() const {
    constexpr std::size_t kSize = (sizeof(Fixed) + 3) & ~std::size_t{3};
    return NetlinkAttributes(std::string_view(body).substr(std::min(body.size(), kSize)));
  }
};

// A socket of one netlink family in one network namespace: the caller's when it was opened.
// Guarantees: the kernel answers in the call; nothing waits for anybody else.
// Runs on: one thread at a time. Errors: the kernel's errno as a Status (kNotFound, kAlreadyExists,
// kIo), with its own words where it has some.
class Netlink {
 public:
  static Result<Netlink> open(int protocol);

  // Answers of a dump, or of a single get; empty for a change.
  Result<std::vector<NetlinkAnswer>> ask(NetlinkRequest request);
  Status change(NetlinkRequest request);

 private:
  explicit Netlink(Fd fd) : fd_(std::move(fd)) {}
  enum class Read { kMore, kDone, kAgain };
  Result<Read> read_answers(std::uint32_t sequence, std::vector<NetlinkAnswer>& out);

  Fd fd_;
  std::uint32_t sequence_ = 0;
};

// A non-blocking socket that becomes readable when links, IPv4 addresses or IPv4 routes of the
// caller's network namespace change; drain_netlink() makes it quiet again.
Result<Fd> open_route_monitor();
// True if something was there.
bool drain_netlink(int fd);

}  // namespace kpp::sys
