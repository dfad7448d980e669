// Base64 (RFC 4648), standard and URL alphabets.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace kpp {

std::string base64_encode(std::string_view bytes);
// nullopt if the text is not base64 with its padding; line breaks are skipped, and so are bits
// after the last whole byte, as everybody does who reads what people typed.
std::optional<std::string> base64_decode(std::string_view text);
// Without padding.
std::string base64_url_encode(std::string_view bytes);
// With or without padding; bytes of the standard alphabet are refused.
std::optional<std::string> base64_url_decode(std::string_view text);

}  // namespace kpp
