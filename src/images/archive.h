// Container images as archives that a runtime loads: an OCI image layout in one tar file, which
// `docker load` reads too.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace kpp::images {

// What a container of the image starts with, beside its files.
struct ImageConfig {
  std::vector<std::string> entrypoint;
  std::vector<std::string> command;
  std::vector<std::string> environment;  // NAME=value
  std::vector<std::string> ports;        // "80/tcp"
  std::string working_directory;
  std::string user;
  std::map<std::string, std::string> labels;
};

struct Image {
  std::string name;  // with registry and tag: docker.io/library/x:1
  ImageConfig config;
  std::vector<std::string> layers;  // tar archives, the lowest first
};

// The archive's bytes. The same image gives the same bytes and so the same digests; no time is
// recorded.
Result<std::string> write_archive(const std::vector<Image>& images);

// "sha256:" and 64 hex digits.
std::string digest_of(std::string_view data);

}  // namespace kpp::images
