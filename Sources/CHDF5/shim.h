// What Swift cannot import of libhdf5: macros that call functions or cast.
#ifndef CHDF5_SHIM_H
#define CHDF5_SHIM_H

#include <hdf5.h>

static inline hid_t chdf5_default(void) { return H5P_DEFAULT; }
static inline hid_t chdf5_all(void) { return H5S_ALL; }

static inline hid_t chdf5_class_file_create(void) { return H5P_FILE_CREATE; }
static inline hid_t chdf5_class_file_access(void) { return H5P_FILE_ACCESS; }
static inline hid_t chdf5_class_group_create(void) { return H5P_GROUP_CREATE; }
static inline hid_t chdf5_class_dataset_create(void) { return H5P_DATASET_CREATE; }
static inline hid_t chdf5_class_link_create(void) { return H5P_LINK_CREATE; }

static inline hid_t chdf5_file_f32(void) { return H5T_IEEE_F32LE; }
static inline hid_t chdf5_file_f64(void) { return H5T_IEEE_F64LE; }
static inline hid_t chdf5_file_i64(void) { return H5T_STD_I64LE; }
static inline hid_t chdf5_file_u64(void) { return H5T_STD_U64LE; }
static inline hid_t chdf5_file_u8(void) { return H5T_STD_U8LE; }

static inline hid_t chdf5_native_f32(void) { return H5T_NATIVE_FLOAT; }
static inline hid_t chdf5_native_f64(void) { return H5T_NATIVE_DOUBLE; }
static inline hid_t chdf5_native_i64(void) { return H5T_NATIVE_INT64; }
static inline hid_t chdf5_native_u64(void) { return H5T_NATIVE_UINT64; }
static inline hid_t chdf5_native_u8(void) { return H5T_NATIVE_UINT8; }
static inline hid_t chdf5_c_string(void) { return H5T_C_S1; }

/// Creates a file with the given access and creation lists, replacing one of the same name.
static inline hid_t chdf5_create_file(const char *name, hid_t creation, hid_t access) {
    return H5Fcreate(name, H5F_ACC_TRUNC, creation, access);
}

/// Limits a file to the format of HDF5 1.8.
static inline herr_t chdf5_use_format_1_8(hid_t access) {
    return H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18);
}

// hbool_t is bool or int, depending on the version.

/// Keeps a file in memory only, growing by `increment` bytes.
static inline herr_t chdf5_use_memory(hid_t access, size_t increment) {
    return H5Pset_fapl_core(access, increment, 0);
}

/// Stores no times with an object.
static inline herr_t chdf5_use_no_times(hid_t creation) { return H5Pset_obj_track_times(creation, 0); }

/// Stops libhdf5 from printing its error stack: every return value is checked instead.
static inline herr_t chdf5_silence(void) { return H5Eset_auto2(H5E_DEFAULT, NULL, NULL); }

#endif
