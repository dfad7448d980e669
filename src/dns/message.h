// DNS messages on the wire: questions in, answers out (RFC 1035 section 4, EDNS as in RFC 6891).
#pragma once

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "dns/types.h"

namespace kpp::dns {

inline constexpr std::size_t kMaxUdpWithoutEdns = 512;
inline constexpr std::uint16_t kOurUdpSize =
    1232;  // what fits into one packet on every path (DNS flag day 2020)

struct Query {
  std::uint16_t id = 0;
  std::uint8_t opcode = 0;
  bool recursion_desired = false;
  bool checking_disabled = false;
  std::string name;       // as asked: answers repeat its case (0x20)
  std::string folded;     // in small letters
  std::string wire_name;  // as asked, uncompressed
  std::uint16_t type = 0;
  std::uint16_t klass = 0;
  bool edns = false;
  bool dnssec_ok = false;
  std::uint8_t edns_version = 0;
  std::uint16_t udp_size = kMaxUdpWithoutEdns;  // what the asker takes
};

// A message that is no question we can read. Without an id it deserves no answer (too short, or
// itself an answer).
struct NotAQuery {
  std::optional<std::uint16_t> id;
  std::uint8_t opcode = 0;
  Rcode rcode = Rcode::kFormErr;
};

std::expected<Query, NotAQuery> parse_query(std::string_view message);

// The message of an answer, at most `limit` bytes: what does not fit is left out and TC is set.
// Names are compressed.
std::string encode(const Query& query, const Answer& answer, std::size_t limit);
// A head alone, for what could not be read.
std::string encode_refusal(const NotAQuery& refused);
// A question to an upstream server.
std::string encode_question(std::uint16_t id, std::string_view name, std::uint16_t type);

// Facts of an upstream's answer that a cache needs.
struct AnswerFacts {
  std::uint16_t id = 0;
  std::string folded;  // the question
  std::uint16_t type = 0, klass = 0;
  Rcode rcode = Rcode::kNoError;
  bool truncated = false;
  bool negative = false;  // NXDOMAIN, or no record of the type asked for
  std::optional<std::uint32_t>
      ttl;  // the smallest; for negative ones that of RFC 2308; none: must not be kept
  std::vector<std::size_t> ttl_offsets;  // where TTLs stand in the message
};
// nullopt: not a well-formed answer to one question.
std::optional<AnswerFacts> parse_answer(std::string_view message);
// Records of a forwarded answer's answer section, of the types that Answer can hold.
std::vector<Record> parse_records(std::string_view message);

std::string fold(std::string_view name);

}  // namespace kpp::dns
