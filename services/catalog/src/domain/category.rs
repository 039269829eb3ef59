//! A category: the shelf of the shop that products name as theirs.

/// One category.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Category {
    pub name: String,
    /// The picture of one of its products; empty if they have none.
    pub image_url: String,
}
