// Writer of tar archives (POSIX ustar), as image layers and image archives are.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace kpp::images {

// Builds an archive in memory. Owner is root, times are zero: the same entries give the same bytes.
// Errors: kInvalid for a path that ustar cannot hold (over 255 characters, or no place to split it
// at 100).
class TarWriter {
 public:
  Status add_file(std::string_view path, std::string_view data, unsigned mode = 0644);
  Status add_directory(std::string_view path, unsigned mode = 0755);
  Status add_link(std::string_view path, std::string_view target);
  // The whole archive, closed; the writer is empty afterwards.
  std::string finish();

 private:
  Status add_header(std::string_view path, char type, unsigned mode, std::uint64_t size,
                    std::string_view link);

  std::string out_;
};

}  // namespace kpp::images
