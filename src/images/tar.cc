#include "images/tar.h"

#include <cstring>

namespace kpp::images {
namespace {

constexpr std::size_t kBlock = 512;

// The ustar header: offsets and lengths of POSIX.1-1988.
struct Header {
  char name[100];
  char mode[8];
  char uid[8];
  char gid[8];
  char size[12];
  char mtime[12];
  char checksum[8];
  char type;
  char link[100];
  char magic[6];
  char version[2];
  char user[32];
  char group[32];
  char device_major[8];
  char device_minor[8];
  char prefix[155];
  char padding[12];
};
static_assert(sizeof(Header) == kBlock);

template <std::size_t N>
void put_octal(char (&field)[N], std::uint64_t value) {
  for (std::size_t i = N - 1; i-- > 0; value >>= 3) field[i] = static_cast<char>('0' + (value & 7));
  field[N - 1] = '\0';
}

template <std::size_t N>
void put_text(char (&field)[N], std::string_view text) {
  text.copy(field, N);
}

}  // namespace

Status TarWriter::add_header(std::string_view path, char type, unsigned mode, std::uint64_t size,
                             std::string_view link) {
  while (path.starts_with('/')) path.remove_prefix(1);
  Header header{};
  std::string_view name = path;
  if (path.size() > sizeof header.name) {
    const std::size_t slash = path.find('/', path.size() - sizeof header.name - 1);
    if (slash == std::string_view::npos || slash > sizeof header.prefix) {
      return {Reason::kInvalid, cat("path is too long for a tar archive: ", path)};
    }
    put_text(header.prefix, path.substr(0, slash));
    name = path.substr(slash + 1);
  }
  if (name.empty() || link.size() > sizeof header.link) {
    return {Reason::kInvalid, cat("path does not fit a tar archive: ", quoted(path))};
  }
  put_text(header.name, name);
  put_octal(header.mode, mode & 07777);
  put_octal(header.uid, 0);
  put_octal(header.gid, 0);
  put_octal(header.size, size);
  put_octal(header.mtime, 0);
  header.type = type;
  put_text(header.link, link);
  std::memcpy(header.magic, "ustar", 6);
  std::memcpy(header.version, "00", 2);
  // The sum counts its own field as spaces, and is written as six digits, a zero byte and a space.
  std::memset(header.checksum, ' ', sizeof header.checksum);
  const auto* bytes = reinterpret_cast<const unsigned char*>(&header);
  unsigned sum = 0;
  for (std::size_t i = 0; i < kBlock; ++i) sum += bytes[i];
  char digits[7];
  put_octal(digits, sum);
  std::memcpy(header.checksum, digits, sizeof digits);
  out_.append(reinterpret_cast<const char*>(&header), kBlock);
  return {};
}

Status TarWriter::add_file(std::string_view path, std::string_view data, unsigned mode) {
  KPP_RETURN_IF_ERROR(add_header(path, '0', mode, data.size(), {}));
  out_.append(data);
  out_.append((kBlock - data.size() % kBlock) % kBlock, '\0');
  return {};
}

Status TarWriter::add_directory(std::string_view path, unsigned mode) {
  return add_header(path.ends_with('/') ? std::string(path) : cat(path, "/"), '5', mode, 0, {});
}

Status TarWriter::add_link(std::string_view path, std::string_view target) {
  return add_header(path, '2', 0777, 0, target);
}

std::string TarWriter::finish() {
  out_.append(2 * kBlock, '\0');
  return std::move(out_);
}

}  // namespace kpp::images
