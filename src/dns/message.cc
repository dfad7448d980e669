#include "dns/message.h"

#include <arpa/nameser.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "dns/wire_numbers.h"

namespace kpp::dns {
namespace {

constexpr std::size_t kHeaderSize = 12;

const unsigned char* bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

// The name at an offset as text without the final dot; moves the offset behind it. False:
// malformed.
bool read_name(std::string_view message, std::size_t& offset, std::string& out,
               std::string* uncompressed = nullptr) {
  std::array<unsigned char, NS_MAXCDNAME> wire;
  std::array<char, NS_MAXDNAME> text;
  if (offset >= message.size()) return false;
  const auto* begin = bytes(message);
  const int used =
      ns_name_unpack(begin, begin + message.size(), begin + offset, wire.data(), wire.size());
  if (used < 0 || ns_name_ntop(wire.data(), text.data(), text.size()) < 0) return false;
  offset += static_cast<std::size_t>(used);
  out = text.data();
  if (out == ".") out.clear();
  if (uncompressed != nullptr) {
    std::size_t size = 0;
    while (wire[size] != 0) size += wire[size] + 1U;
    uncompressed->assign(reinterpret_cast<const char*>(wire.data()), size + 1);
  }
  return true;
}

// Writes one message; after fits() turned false nothing more is added.
class Writer {
 public:
  explicit Writer(std::size_t limit) : buffer_(std::max(limit, kHeaderSize), 0) {
    names_[0] = data();
    names_[1] = nullptr;
  }

  unsigned char* data() { return reinterpret_cast<unsigned char*>(buffer_.data()); }
  std::size_t size() const { return size_; }
  void rewind(std::size_t size) {
    size_ = size;
    // Names that were noted behind the cut must not be pointed to.
    for (std::size_t i = 1; names_[i] != nullptr; ++i) {
      if (names_[i] >= data() + size) {
        names_[i] = nullptr;
        break;
      }
    }
    fits_ = true;
  }
  bool fits() const { return fits_; }
  void skip(std::size_t n) { reserve(n); }
  void u8(std::uint8_t v) {
    if (reserve(1)) buffer_[size_ - 1] = static_cast<char>(v);
  }
  void u16(std::uint16_t v) {
    if (reserve(2)) put16(v, data() + size_ - 2);
  }
  void u32(std::uint32_t v) {
    if (reserve(4)) put32(v, data() + size_ - 4);
  }
  void raw(std::string_view v) {
    if (reserve(v.size())) std::memcpy(data() + size_ - v.size(), v.data(), v.size());
  }
  void name(std::string_view text) {
    std::array<unsigned char, NS_MAXCDNAME> wire;
    std::array<char, NS_MAXDNAME> zero_ended;
    if (!fits_) return;
    if (text.size() >= zero_ended.size()) {
      fits_ = false;
      return;
    }
    std::memcpy(zero_ended.data(), text.data(), text.size());
    zero_ended[text.size()] = 0;
    if (ns_name_pton(zero_ended.data(), wire.data(), wire.size()) < 0) {
      fits_ = false;
      return;
    }
    const int used =
        ns_name_pack(wire.data(), data() + size_, static_cast<int>(buffer_.size() - size_),
                     names_.data(), names_.data() + names_.size());
    if (used < 0) {
      fits_ = false;
      return;
    }
    size_ += static_cast<std::size_t>(used);
  }
  void set_u16(std::size_t at, std::uint16_t v) { put16(v, data() + at); }
  std::string take() {
    buffer_.resize(size_);
    return std::move(buffer_);
  }

 private:
  bool reserve(std::size_t n) {
    if (!fits_ || buffer_.size() - size_ < n) fits_ = false;
    if (fits_) size_ += n;
    return fits_;
  }

  std::string buffer_;
  std::size_t size_ = 0;
  bool fits_ = true;
  std::array<const unsigned char*, 64> names_;
};

void write_data(Writer& out, const Record& record) {
  struct Visitor {
    Writer& out;
    void operator()(const AddressData& d) const { out.raw(d.bytes); }
    void operator()(const NameData& d) const { out.name(d.name); }
    void operator()(const TextData& d) const {
      const std::size_t size = std::min<std::size_t>(d.text.size(), 255);
      out.u8(static_cast<std::uint8_t>(size));
      out.raw(std::string_view(d.text).substr(0, size));
    }
    void operator()(const SrvData& d) const {
      out.u16(d.priority);
      out.u16(d.weight);
      out.u16(d.port);
      out.name(d.target);
    }
    void operator()(const SoaData& d) const {
      out.name(d.primary);
      out.name(d.contact);
      for (const std::uint32_t v : {d.serial, d.refresh, d.retry, d.expire, d.minimum}) out.u32(v);
    }
  };
  std::visit(Visitor{out}, record.data);
}

// False: it does not fit, and nothing of it was written.
bool write_record(Writer& out, const Record& record) {
  const std::size_t begin = out.size();
  out.name(record.name);
  out.u16(record.type);
  out.u16(kClassInternet);
  out.u32(record.ttl);
  const std::size_t length_at = out.size();
  out.u16(0);
  write_data(out, record);
  if (!out.fits()) {
    out.rewind(begin);
    return false;
  }
  out.set_u16(length_at, static_cast<std::uint16_t>(out.size() - length_at - 2));
  return true;
}

std::uint16_t head_flags(std::uint8_t opcode, Rcode rcode) {
  return static_cast<std::uint16_t>(0x8000 | (opcode & 0xf) << 11 |
                                    (static_cast<unsigned>(rcode) & 0xf));
}

void write_opt(Writer& out, const Query& query, Rcode rcode) {
  out.u8(0);
  out.u16(kOpt);
  out.u16(kOurUdpSize);
  out.u32(static_cast<std::uint32_t>(static_cast<unsigned>(rcode) >> 4) << 24 |
          (query.dnssec_ok ? 0x8000U : 0U));
  out.u16(0);
}

constexpr std::size_t kOptSize = 11;

}  // namespace

std::string fold(std::string_view name) {
  std::string out(name);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::expected<Query, NotAQuery> parse_query(std::string_view message) {
  NotAQuery refused;
  if (message.size() < kHeaderSize) return std::unexpected(refused);
  const auto* head = bytes(message);
  const unsigned flags = get16(head + 2);
  if ((flags & 0x8000) != 0) return std::unexpected(refused);
  Query query;
  query.id = static_cast<std::uint16_t>(get16(head));
  refused.id = query.id;
  query.opcode = static_cast<std::uint8_t>(flags >> 11 & 0xf);
  refused.opcode = query.opcode;
  query.recursion_desired = (flags & 0x100) != 0;
  query.checking_disabled = (flags & 0x10) != 0;
  if (query.opcode != 0) {
    refused.rcode = Rcode::kNotImp;
    return std::unexpected(refused);
  }
  const unsigned questions = get16(head + 4), answers = get16(head + 6),
                 authority = get16(head + 8), additional = get16(head + 10);
  if (questions != 1 || answers != 0 || authority != 0) return std::unexpected(refused);
  std::size_t at = kHeaderSize;
  if (!read_name(message, at, query.name, &query.wire_name) || message.size() - at < 4)
    return std::unexpected(refused);
  query.folded = fold(query.name);
  query.type = static_cast<std::uint16_t>(get16(head + at));
  query.klass = static_cast<std::uint16_t>(get16(head + at + 2));
  at += 4;
  for (unsigned i = 0; i < additional; ++i) {
    std::string owner;
    if (!read_name(message, at, owner) || message.size() - at < 10) return std::unexpected(refused);
    const unsigned type = get16(head + at), size = get16(head + at + 2);
    const auto ttl = static_cast<std::uint32_t>(get32(head + at + 4));
    const std::size_t length = get16(head + at + 8);
    at += 10;
    if (message.size() - at < length) return std::unexpected(refused);
    at += length;
    if (type != kOpt) continue;
    if (query.edns || !owner.empty()) return std::unexpected(refused);  // one, of the root
    query.edns = true;
    query.udp_size = static_cast<std::uint16_t>(std::max<unsigned>(size, kMaxUdpWithoutEdns));
    query.edns_version = static_cast<std::uint8_t>(ttl >> 16 & 0xff);
    query.dnssec_ok = (ttl & 0x8000) != 0;
  }
  return query;
}

std::string encode(const Query& query, const Answer& answer, std::size_t limit) {
  const std::size_t reserved = query.edns ? kOptSize : 0;
  Writer out(limit - std::min(limit, reserved));
  out.skip(kHeaderSize);
  out.name(query.name);
  out.u16(query.type);
  out.u16(query.klass);
  bool truncated = !out.fits();
  std::array<std::uint16_t, 3> counts{};
  const std::array sections{&answer.answers, &answer.authority, &answer.additional};
  for (std::size_t s = 0; s < sections.size() && !truncated; ++s) {
    for (const auto& record : *sections[s]) {
      if (!write_record(out, record)) {
        // Additional records are a courtesy (RFC 2181 section 9): leaving them out truncates
        // nothing.
        truncated = s < 2;
        break;
      }
      ++counts[s];
    }
  }
  std::string message = out.take();
  if (query.edns) {
    Writer opt(kOptSize + kHeaderSize);
    write_opt(opt, query, answer.rcode);
    message += opt.take();
    ++counts[2];
  }
  auto* head = reinterpret_cast<unsigned char*>(message.data());
  unsigned flags = head_flags(query.opcode, answer.rcode);
  if (answer.authoritative) flags |= 0x400;
  if (truncated) flags |= 0x200;
  if (query.recursion_desired) flags |= 0x100;
  flags |= 0x80;
  if (query.checking_disabled) flags |= 0x10;
  put16(query.id, head);
  put16(static_cast<std::uint16_t>(flags), head + 2);
  put16(1, head + 4);
  for (std::size_t s = 0; s < counts.size(); ++s) put16(counts[s], head + 6 + 2 * s);
  return message;
}

std::string encode_refusal(const NotAQuery& refused) {
  std::string message(kHeaderSize, '\0');
  auto* head = reinterpret_cast<unsigned char*>(message.data());
  put16(refused.id.value_or(0), head);
  put16(head_flags(refused.opcode, refused.rcode), head + 2);
  return message;
}

std::string encode_question(std::uint16_t id, std::string_view name, std::uint16_t type) {
  Writer out(kMaxUdpWithoutEdns);
  out.skip(kHeaderSize);
  out.name(name);
  out.u16(type);
  out.u16(kClassInternet);
  std::string message = out.take();
  auto* head = reinterpret_cast<unsigned char*>(message.data());
  put16(id, head);
  put16(0x100, head + 2);
  put16(1, head + 4);
  return message;
}

namespace {

// Calls for each record behind the question: (section, type, offset of the TTL, record data as a
// range).
template <class F>
bool each_record(std::string_view message, std::size_t at, F call) {
  const auto* head = bytes(message);
  for (unsigned section = 0; section < 3; ++section) {
    const unsigned count = get16(head + 6 + 2 * section);
    for (unsigned i = 0; i < count; ++i) {
      std::string owner;
      if (!read_name(message, at, owner) || message.size() - at < 10) return false;
      const auto type = static_cast<std::uint16_t>(get16(head + at));
      const std::size_t length = get16(head + at + 8);
      if (message.size() - at - 10 < length) return false;
      if (!call(section, std::move(owner), type, at + 4, at + 10, length)) return false;
      at += 10 + length;
    }
  }
  return true;
}

// RFC 2308 section 5: the smaller of the SOA's own TTL and its minimum.
std::optional<std::uint32_t> negative_ttl(std::string_view message, std::size_t ttl_at,
                                          std::size_t at, std::size_t length) {
  const std::size_t end = at + length;
  std::string name;
  if (!read_name(message, at, name) || !read_name(message, at, name) || at + 20 > end)
    return std::nullopt;
  return std::min(static_cast<std::uint32_t>(get32(bytes(message) + ttl_at)),
                  static_cast<std::uint32_t>(get32(bytes(message) + at + 16)));
}

}  // namespace

std::optional<AnswerFacts> parse_answer(std::string_view message) {
  if (message.size() < kHeaderSize) return std::nullopt;
  const auto* head = bytes(message);
  const unsigned flags = get16(head + 2);
  if ((flags & 0x8000) == 0 || get16(head + 4) != 1) return std::nullopt;
  AnswerFacts facts;
  facts.id = static_cast<std::uint16_t>(get16(head));
  facts.rcode = static_cast<Rcode>(flags & 0xf);
  facts.truncated = (flags & 0x200) != 0;
  std::size_t at = kHeaderSize;
  std::string name;
  if (!read_name(message, at, name) || message.size() - at < 4) return std::nullopt;
  facts.folded = fold(name);
  facts.type = static_cast<std::uint16_t>(get16(head + at));
  facts.klass = static_cast<std::uint16_t>(get16(head + at + 2));
  bool found = false;
  std::optional<std::uint32_t> smallest, of_negative;
  const bool well_formed =
      each_record(message, at + 4,
                  [&](unsigned section, const std::string&, std::uint16_t type, std::size_t ttl_at,
                      std::size_t data_at, std::size_t length) {
                    if (type == kOpt) return true;
                    facts.ttl_offsets.push_back(ttl_at);
                    const auto ttl = static_cast<std::uint32_t>(get32(head + ttl_at));
                    if (section == 0) {
                      smallest = smallest ? std::min(*smallest, ttl) : ttl;
                      found = found || type == facts.type || facts.type == kAny;
                    } else if (section == 1 && type == kSoa) {
                      of_negative = negative_ttl(message, ttl_at, data_at, length);
                    }
                    return true;
                  });
  if (!well_formed) return std::nullopt;
  facts.negative = facts.rcode == Rcode::kNxDomain || (facts.rcode == Rcode::kNoError && !found);
  facts.ttl = facts.negative ? of_negative : smallest;
  return facts;
}

std::vector<Record> parse_records(std::string_view message) {
  std::vector<Record> out;
  if (message.size() < kHeaderSize || get16(bytes(message) + 4) != 1) return out;
  std::size_t at = kHeaderSize;
  std::string name;
  if (!read_name(message, at, name) || message.size() - at < 4) return out;
  const bool well_formed =
      each_record(message, at + 4,
                  [&](unsigned section, std::string owner, std::uint16_t type, std::size_t ttl_at,
                      std::size_t data_at, std::size_t length) {
                    if (section != 0) return true;
                    const auto ttl = static_cast<std::uint32_t>(get32(bytes(message) + ttl_at));
                    if ((type == kA && length == 4) || (type == kAaaa && length == 16)) {
                      out.push_back({std::move(owner), type, ttl,
                                     AddressData{std::string(message.substr(data_at, length))}});
                    } else if (type == kCname) {
                      std::string target;
                      std::size_t from = data_at;
                      if (!read_name(message, from, target)) return false;
                      out.push_back({std::move(owner), type, ttl, NameData{std::move(target)}});
                    }
                    return true;
                  });
  if (!well_formed) out.clear();
  return out;
}

}  // namespace kpp::dns
