#include "images/pause_image.h"

#include "images/tar.h"

namespace kpp::images {
namespace {

constexpr unsigned char kPause[] = {
#include "pause.bytes"  // made by the build from pause.cc
};

}  // namespace

Result<Image> pause_image(std::string name) {
  TarWriter layer;
  KPP_RETURN_IF_ERROR(
      layer.add_file("pause", {reinterpret_cast<const char*>(kPause), sizeof kPause}, 0755));
  Image image;
  image.name = std::move(name);
  image.config.entrypoint = {"/pause"};
  image.config.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"};
  image.config.working_directory = "/";
  image.config.user = "65535:65535";
  image.layers.push_back(layer.finish());
  return image;
}

}  // namespace kpp::images
