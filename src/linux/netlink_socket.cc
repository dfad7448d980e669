#include "linux/netlink_socket.h"

#include <arpa/inet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace kpp::sys {
namespace {

constexpr std::size_t kBuffer = 64 << 10;
constexpr int kTimesAgain = 5;

std::size_t aligned(std::size_t size) { return (size + 3) & ~std::size_t{3}; }

Result<Fd> open_socket(int protocol, unsigned groups, int flags) {
  Fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | flags, protocol));
  if (!fd.valid()) return fail(errno_status("netlink socket", errno));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = groups;
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
    return fail(errno_status("binding a netlink socket", errno));
  return fd;
}

// The kernel's own explanation behind the header that an error repeats.
std::string explanation(std::string_view body, std::uint16_t flags) {
  if ((flags & NLM_F_ACK_TLVS) == 0 || body.size() < sizeof(nlmsgerr)) return {};
  std::size_t offset = sizeof(nlmsgerr);
  if ((flags & NLM_F_CAPPED) == 0) {
    nlmsgerr error{};
    std::memcpy(&error, body.data(), sizeof error);
    if (error.msg.nlmsg_len >= sizeof(nlmsghdr))
      offset += aligned(error.msg.nlmsg_len - sizeof(nlmsghdr));
  }
  if (offset >= body.size()) return {};
  return NetlinkAttributes(body.substr(offset)).text(NLMSGERR_ATTR_MSG);
}

// ENODEV, ESRCH and EADDRNOTAVAIL all say that what was named is not there.
Status error_of(int error, const std::string& why) {
  Status out = errno_status(why.empty() ? "netlink" : why, error);
  if (error != ENODEV && error != ESRCH && error != EADDRNOTAVAIL) return out;
  return {Reason::kNotFound, out.message()};
}

}  // namespace

NetlinkAttributes::NetlinkAttributes(std::string_view bytes) {
  while (bytes.size() >= sizeof(nlattr)) {
    nlattr header{};
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) return;
    entries_.push_back({static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                        bytes.substr(sizeof header, header.nla_len - sizeof header)});
    bytes.remove_prefix(std::min(aligned(header.nla_len), bytes.size()));
  }
}

std::optional<std::string_view> NetlinkAttributes::find(std::uint16_t type) const {
  const auto it = std::ranges::find(entries_, type, &Entry::type);
  if (it == entries_.end()) return std::nullopt;
  return it->bytes;
}

std::string NetlinkAttributes::text(std::uint16_t type) const {
  const auto bytes = find(type).value_or("");
  return std::string(bytes.substr(0, bytes.find('\0')));
}

std::uint32_t NetlinkAttributes::ipv4(std::uint16_t type) const {
  return ntohl(number<std::uint32_t>(type));
}

NetlinkAttributes NetlinkAttributes::nested(std::uint16_t type) const {
  return NetlinkAttributes(find(type).value_or(""));
}

NetlinkRequest::NetlinkRequest(std::uint16_t type, std::uint16_t flags, std::string_view fixed) {
  nlmsghdr header{};
  header.nlmsg_type = type;
  header.nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
  bytes_.assign(reinterpret_cast<const char*>(&header), sizeof header);
  bytes_ += fixed;
  bytes_.resize(aligned(bytes_.size()));
}

void NetlinkRequest::add(std::uint16_t attribute, std::string_view bytes) {
  nlattr header{};
  header.nla_type = attribute;
  header.nla_len = static_cast<std::uint16_t>(sizeof header + bytes.size());
  bytes_.append(reinterpret_cast<const char*>(&header), sizeof header);
  bytes_ += bytes;
  bytes_.resize(aligned(bytes_.size()));
}

void NetlinkRequest::add_text(std::uint16_t attribute, std::string_view text) {
  std::string bytes(text);
  bytes.push_back('\0');
  add(attribute, bytes);
}

void NetlinkRequest::add_ipv4(std::uint16_t attribute, std::uint32_t address) {
  add_number(attribute, htonl(address));
}

std::size_t NetlinkRequest::open(std::uint16_t attribute) {
  const std::size_t at = bytes_.size();
  add(attribute, {});
  return at;
}

void NetlinkRequest::close(std::size_t opened) {
  nlattr header{};
  std::memcpy(&header, bytes_.data() + opened, sizeof header);
  header.nla_len = static_cast<std::uint16_t>(bytes_.size() - opened);
  std::memcpy(bytes_.data() + opened, &header, sizeof header);
}

bool NetlinkRequest::is_dump() const {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  return (header.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
}

std::string NetlinkRequest::take(std::uint32_t sequence) && {
  nlmsghdr header{};
  std::memcpy(&header, bytes_.data(), sizeof header);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes_.size());
  header.nlmsg_seq = sequence;
  if (!is_dump()) header.nlmsg_flags |= NLM_F_ACK;
  std::memcpy(bytes_.data(), &header, sizeof header);
  return std::move(bytes_);
}

Result<Netlink> Netlink::open(int protocol) {
  KPP_ASSIGN(Fd fd, open_socket(protocol, 0, 0));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof on);
  (void)::setsockopt(fd.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
  return Netlink(std::move(fd));
}

Result<Netlink::Read> Netlink::read_answers(std::uint32_t sequence,
                                            std::vector<NetlinkAnswer>& out) {
  std::array<char, kBuffer> buffer;
  ssize_t size = 0;
  do {
    size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return fail(errno_status("reading from netlink", errno));
  std::string_view left(buffer.data(), static_cast<std::size_t>(size));
  while (left.size() >= sizeof(nlmsghdr)) {
    nlmsghdr header{};
    std::memcpy(&header, left.data(), sizeof header);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > left.size()) break;
    const std::string_view body = left.substr(sizeof header, header.nlmsg_len - sizeof header);
    left.remove_prefix(std::min(aligned(header.nlmsg_len), left.size()));
    if (header.nlmsg_seq != sequence) continue;  // of a dump that was given up
    if ((header.nlmsg_flags & NLM_F_DUMP_INTR) != 0) return Read::kAgain;
    if (header.nlmsg_type == NLMSG_DONE) return Read::kDone;
    if (header.nlmsg_type != NLMSG_ERROR) {
      out.push_back({header.nlmsg_type, std::string(body)});
      continue;
    }
    nlmsgerr error{};
    std::memcpy(&error, body.data(), std::min(body.size(), sizeof error));
    if (error.error == 0) return Read::kDone;
    const std::string why = explanation(body, header.nlmsg_flags);
    return fail(error_of(-error.error, why));
  }
  return Read::kMore;
}

Result<std::vector<NetlinkAnswer>> Netlink::ask(NetlinkRequest request) {
  for (int times = 0; times < kTimesAgain; ++times) {
    const std::uint32_t sequence = ++sequence_;
    const std::string bytes = NetlinkRequest(request).take(sequence);
    if (::send(fd_.get(), bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size()))
      return fail(errno_status("writing to netlink", errno));
    std::vector<NetlinkAnswer> out;
    Read state = Read::kMore;
    while (state == Read::kMore) {
      KPP_ASSIGN(state, read_answers(sequence, out));
    }
    if (state == Read::kDone) return out;
  }
  return fail(Reason::kIo, "netlink: the tables changed whenever they were read");
}

Status Netlink::change(NetlinkRequest request) {
  KPP_ASSIGN([[maybe_unused]] const auto answers, ask(std::move(request)));
  return {};
}

Result<Fd> open_route_monitor() {
  return open_socket(NETLINK_ROUTE, RTMGRP_LINK | RTMGRP_IPV4_IFADDR | RTMGRP_IPV4_ROUTE,
                     SOCK_NONBLOCK);
}

bool drain_netlink(int fd) {
  std::array<char, kBuffer> buffer;
  bool any = false;
  while (true) {
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    // More came than the kernel could keep: something has changed, surely.
    if (size < 0 && errno != EINTR && errno != ENOBUFS) return any;
    any = true;
  }
}

}  // namespace kpp::sys
