// Random identifiers, from the kernel's generator.
#pragma once

#include <string>

namespace kpp {

// A version 4 UUID, as metadata.uid.
std::string new_uuid();
// n characters of the alphabet that the API uses for generated names (no vowels, no 0, 1, 3).
std::string random_suffix(int n);
// n random bytes.
std::string random_bytes(int n);

}  // namespace kpp
