//! GetProduct, as small as it gets, in each contender's own form.

use call::{Call, Code, ConnectError, ConnectRequest, ConnectResponse};
use proto::catalog::v1::catalog_service_server::CatalogService;
use proto::catalog::v1::*;
use tonic::{Request, Response, Status};

use crate::call::product;

type Answer<T> = Result<ConnectResponse<T>, ConnectError>;

fn answer(id: String) -> GetProductResponse {
    GetProductResponse {
        product: Some(product(id)),
    }
}

/// With what a service does in each rpc: who calls, and validation.
pub async fn validated(
    call: Call,
    ConnectRequest(request): ConnectRequest<GetProductRequest>,
) -> Answer<GetProductResponse> {
    if call.caller.user_id().is_none() {
        return Err(ConnectError::new(
            Code::Unauthenticated,
            "a token is part of the bench",
        ));
    }
    let request = edge::valid(request)?;
    Ok(ConnectResponse::new(answer(request.into_inner().id)))
}

/// Without.
pub async fn plain(
    ConnectRequest(request): ConnectRequest<GetProductRequest>,
) -> Answer<GetProductResponse> {
    Ok(ConnectResponse::new(answer(request.id)))
}

/// For tonic's own server.
pub struct Tonic;

fn absent<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("not in the bench"))
}

#[tonic::async_trait]
impl CatalogService for Tonic {
    async fn get_product(
        &self,
        request: Request<GetProductRequest>,
    ) -> Result<Response<GetProductResponse>, Status> {
        Ok(Response::new(answer(request.into_inner().id)))
    }

    async fn list_products(
        &self,
        _: Request<ListProductsRequest>,
    ) -> Result<Response<ListProductsResponse>, Status> {
        absent()
    }

    async fn batch_get_products(
        &self,
        _: Request<BatchGetProductsRequest>,
    ) -> Result<Response<BatchGetProductsResponse>, Status> {
        absent()
    }

    async fn create_product(
        &self,
        _: Request<CreateProductRequest>,
    ) -> Result<Response<CreateProductResponse>, Status> {
        absent()
    }

    async fn update_product(
        &self,
        _: Request<UpdateProductRequest>,
    ) -> Result<Response<UpdateProductResponse>, Status> {
        absent()
    }

    async fn delete_product(
        &self,
        _: Request<DeleteProductRequest>,
    ) -> Result<Response<DeleteProductResponse>, Status> {
        absent()
    }

    async fn set_display_price(
        &self,
        _: Request<SetDisplayPriceRequest>,
    ) -> Result<Response<SetDisplayPriceResponse>, Status> {
        absent()
    }
}
