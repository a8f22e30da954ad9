# Debian packages, one a component: `cpack` in a release build, or `./run package`.
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright COMPONENT tessera)
# OpenCV's licence asks to go with its code, which is in the programs.
install(FILES /usr/share/doc/libopencv-core-dev/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR} RENAME copyright.opencv
        COMPONENT tessera OPTIONAL)
install(FILES README.md ARCHITECTURE.md docs/operators.md docs/deployment.md docs/operations.md docs/security-sandbox.md
              docs/service.md docs/web.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
        COMPONENT tessera)
install(DIRECTORY docs/operators DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT tessera FILES_MATCHING PATTERN "*.webp")
install(FILES deploy/monitoring/alerts.yml deploy/monitoring/prometheus.yml deploy/monitoring/grafana-dashboard.json
        DESTINATION ${CMAKE_INSTALL_DOCDIR}/monitoring COMPONENT tessera)
# Units and their configuration, in packages alone: an installation elsewhere has no business in /etc.
set(configured_units gateway notifier node serve)
list(TRANSFORM configured_units REPLACE "(.+)" "deploy/systemd/tessera-\\1.service" OUTPUT_VARIABLE unit_files)
install(FILES ${unit_files} DESTINATION lib/systemd/system COMPONENT tessera EXCLUDE_FROM_ALL)
list(TRANSFORM configured_units REPLACE "(.+)" "deploy/systemd/\\1.toml" OUTPUT_VARIABLE configuration_files)
install(FILES ${configuration_files} DESTINATION /etc/tessera COMPONENT tessera EXCLUDE_FROM_ALL)
list(TRANSFORM configured_units REPLACE "(.+)" "/etc/tessera/\\1.toml\n" OUTPUT_VARIABLE conffiles)
string(CONCAT conffiles ${conffiles})
file(WRITE ${PROJECT_BINARY_DIR}/conffiles "${conffiles}")
install(FILES deploy/rabbitmq/rabbitmq.conf DESTINATION ${CMAKE_INSTALL_DOCDIR}/rabbitmq COMPONENT tessera)
install(PROGRAMS deploy/redis/restore DESTINATION ${CMAKE_INSTALL_DOCDIR}/redis COMPONENT tessera)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Tessera <tessera@localhost>")
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL tessera library dev)

# What the programs link to is found by dpkg-shlibdeps; here stands what they start or open.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(library_package libtessera${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set(CPACK_DEBIAN_TESSERA_PACKAGE_NAME tessera)
set(CPACK_DEBIAN_TESSERA_PACKAGE_SECTION graphics)
# The module that reads through libvips is the library's.
set(CPACK_DEBIAN_TESSERA_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION}), openmpi-bin, fonts-dejavu-core, ca-certificates")
set(CPACK_DEBIAN_TESSERA_PACKAGE_CONTROL_EXTRA
    "${PROJECT_BINARY_DIR}/conffiles;${CMAKE_CURRENT_LIST_DIR}/debian/postinst;${CMAKE_CURRENT_LIST_DIR}/debian/prerm;${CMAKE_CURRENT_LIST_DIR}/debian/postrm")
set(CPACK_DEBIAN_TESSERA_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_COMPONENT_TESSERA_DESCRIPTION
    "Distributed image processing: engine, command line and service
Cuts images into pieces with ghost pixels around them, works on the pieces side
by side on MPI ranks and threads, and puts them together so that the cut never
shows. `tessera apply` works alone; `tessera serve` is the whole service.")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME ${library_package})
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_DEPENDS "fonts-dejavu-core")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION
    "Distributed image processing: library
Opens images, puts them through pipelines of operators and writes them, on
threads or MPI ranks, with the same bytes whatever the cut.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libtessera-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "${library_package} (= ${PROJECT_VERSION})")
set(CPACK_DEBIAN_DEV_PACKAGE_SUGGESTS "libopenmpi-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION
    "Distributed image processing: headers of the library
C++ headers, a CMake package and a pkg-config file.")

if(TARGET tessera-desktop)
  list(APPEND CPACK_COMPONENTS_ALL desktop)
  set(CPACK_DEBIAN_DESKTOP_PACKAGE_NAME tessera-desktop)
  set(CPACK_DEBIAN_DESKTOP_PACKAGE_SECTION graphics)
  # The codecs' module is the command line's.
  set(CPACK_DEBIAN_DESKTOP_PACKAGE_DEPENDS "tessera (= ${PROJECT_VERSION})")
  set(CPACK_COMPONENT_DESKTOP_DESCRIPTION
      "Distributed image processing: desktop program
Pick images, choose operations with a live preview, and have them worked on by
this computer or by a Tessera service.")
endif()
if(TARGET tessera_python)
  list(APPEND CPACK_COMPONENTS_ALL python)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-tessera)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  # What the module links to comes with the library, whose package is made at the same time.
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SHLIBDEPS OFF)
  math(EXPR next_python "${Python_VERSION_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
      "${library_package} (= ${PROJECT_VERSION}), python3 (>= ${Python_VERSION_MAJOR}.${Python_VERSION_MINOR}), python3 (<< ${Python_VERSION_MAJOR}.${next_python}), python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-mpi4py, python3-dask")
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION
      "Distributed image processing: Python package
Images as numpy arrays, pipelines of operators as functions, and a client of the
service.")
endif()
include(CPack)
