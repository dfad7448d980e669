// Pulling images.
#pragma once

#include <string>

#include "api/cri.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Runs on: the executor.
class ImagePuller {
 public:
  explicit ImagePuller(const ShimDeps& deps) : deps_(deps) {}

  // Errors: the registry's, as Docker words them; kTimeout when nothing is heard for too long.
  async::Task<Status> pull(std::string image, cri::AuthConfig auth, async::StopToken stop);

 private:
  const ShimDeps deps_;
};

// The parameters of a pull: "fromImage=name&tag=tag or digest".
std::string pull_query(std::string_view image);
// The header X-Registry-Auth.
std::string registry_auth(const cri::AuthConfig& auth);

// Reads what a pull says, a JSON document a line.
class PullProgress {
 public:
  // The error, once the pull has one.
  Status feed(std::string_view bytes);

 private:
  Status line(std::string_view text);
  std::string rest_;
};

}  // namespace kpp::dockershim
