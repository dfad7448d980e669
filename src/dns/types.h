// DNS records as plain data (RFC 1035, RFC 2782, RFC 3596). Names are text without the final dot;
// the root is "".
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

namespace kpp::dns {

enum Type : std::uint16_t {
  kA = 1,
  kNs = 2,
  kCname = 5,
  kSoa = 6,
  kPtr = 12,
  kTxt = 16,
  kAaaa = 28,
  kSrv = 33,
  kOpt = 41,
  kAny = 255,
};
inline constexpr std::uint16_t kClassInternet = 1;

enum class Rcode : std::uint8_t {
  kNoError = 0,
  kFormErr = 1,
  kServFail = 2,
  kNxDomain = 3,
  kNotImp = 4,
  kRefused = 5,
  kBadVersion = 16,  // extended (RFC 6891): only answers with EDNS can carry it
};

// An address in network order: 4 bytes of A, 16 of AAAA.
struct AddressData {
  std::string bytes;
};
// The target of CNAME, PTR and NS.
struct NameData {
  std::string name;
};
struct TextData {
  std::string text;  // at most 255 bytes
};
struct SrvData {
  std::uint16_t priority, weight, port;
  std::string target;
};
struct SoaData {
  std::string primary, contact;
  std::uint32_t serial, refresh, retry, expire, minimum;
};

struct Record {
  std::string name;
  std::uint16_t type;
  std::uint32_t ttl;  // seconds
  std::variant<AddressData, NameData, TextData, SrvData, SoaData> data;
};

// What is answered to one question.
struct Answer {
  Rcode rcode = Rcode::kNoError;
  bool authoritative = false;
  std::vector<Record> answers, authority, additional;
};

}  // namespace kpp::dns
