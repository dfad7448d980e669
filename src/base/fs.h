// Files, with errors as values. All calls block; on an executor run them through async::offload.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::fs {

// The whole file; kNotFound if it is not there; kRequestEntityTooLarge above the limit.
Result<std::string> read_file(const std::string& path, std::size_t limit = 64u << 20);
// Writes beside the target, syncs, renames over it: readers see the old or the new file, never a
// part.
Status write_file_atomic(const std::string& path, std::string_view data, unsigned mode = 0644);
// mkdir -p.
Status make_directories(const std::string& path, unsigned mode = 0755);
// rm -rf; not an error if it is not there. Does not cross mount points: a mount below is an error.
Status remove_all(const std::string& path);
bool exists(const std::string& path);
// Names in a directory, sorted, without . and ..
Result<std::vector<std::string>> list(const std::string& path);

}  // namespace kpp::fs
