// Images, as CRI's image service tells of them.
#pragma once

#include <string>
#include <vector>

#include "api/cri.h"
#include "dockershim/pull.h"
#include "dockershim/types.h"

namespace kpp::dockershim {

// Runs on: the executor.
class Images {
 public:
  Images(const ShimDeps& deps, ImagePuller& puller) : deps_(deps), puller_(puller) {}

  async::Task<GrpcResult<std::vector<cri::Image>>> list(cri::ImageFilter filter,
                                                        async::StopToken stop);
  // Absent if Docker does not have the image.
  async::Task<GrpcResult<api::Opt<cri::Image>>> status(cri::ImageSpec image, async::StopToken stop);
  // Answers the reference of the image.
  async::Task<GrpcResult<std::string>> pull(cri::PullImageRequest request, async::StopToken stop);
  async::Task<GrpcStatus> remove(cri::ImageSpec image, async::StopToken stop);
  async::Task<GrpcResult<cri::ImageFsInfoResponse>> fs_info(async::StopToken stop);

 private:
  // kNotFound if it is not there.
  async::Task<Result<json::Value>> inspect(std::string image, async::StopToken stop);

  const ShimDeps deps_;
  ImagePuller& puller_;
};

// An image of a list, or one that was inspected.
cri::Image parse_image(const json::Value& value);

}  // namespace kpp::dockershim
