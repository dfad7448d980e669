// Formats of names and short texts. Each check answers what is wrong in the words of the original;
// empty: nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kpp::validation {

using Messages = std::vector<std::string>;

Messages dns1123_label(std::string_view text);
Messages dns1123_subdomain(std::string_view text);
Messages dns1035_label(std::string_view text);
Messages wildcard_dns1123_subdomain(std::string_view text);
// Several labels joined by dots, each a DNS-1123 label; a trailing dot is allowed when `absolute`.
Messages fully_qualified_domain_labels(std::string_view text);
// A key of labels, annotations, resources: "name" or "prefix.example.com/name".
Messages qualified_name(std::string_view text);
Messages label_value(std::string_view text);
// A name that can stand in a URL: no '/', '%', not '.' or '..'.
Messages path_segment_name(std::string_view text);
Messages config_key(std::string_view text);
Messages environment_name(std::string_view text);
Messages c_identifier(std::string_view text);
Messages http_header_name(std::string_view text);
Messages port_number(std::int64_t port);
Messages port_name(std::string_view text);
Messages percent(std::string_view text);
Messages in_range(std::int64_t value, std::int64_t low, std::int64_t high);

std::string max_length_message(std::size_t length);
// "<message> (e.g. 'a',  or 'b', regex used for validation is '<regex>')"
std::string regex_message(std::string_view message, std::string_view regex,
                          std::initializer_list<std::string_view> examples);

bool contains(const std::vector<std::string>& list, std::string_view text);
std::string lower(std::string_view text);
// The text without the white space around it.
std::string_view trimmed(std::string_view text);

inline constexpr std::string_view kAtLeastZero = "must be greater than or equal to 0";
inline constexpr std::string_view kImmutable = "field is immutable";

}  // namespace kpp::validation
