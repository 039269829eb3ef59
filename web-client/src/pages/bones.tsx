/** What pages look like before their data is there. Small, and in the first bundle, since they are needed first. */
import { Page } from '~/components/Page';
import { PictureBone } from '~/components/Picture';
import { ProductGridBones } from '~/components/ProductCard';
import { Bone, Skeleton } from '~/components/Skeleton';
import { Title } from '~/components/Text';

export function HomeBones() {
  return (
    <Page name="">
      <Skeleton label="The front page is loading">
        <div className="mb-16 grid gap-10 lg:grid-cols-2">
          <div className="flex flex-col gap-4">
            <Bone shape="title" />
            <Bone shape="title" />
            <Bone shape="line" />
          </div>
          <Bone shape="tall" />
        </div>
      </Skeleton>
      <ProductGridBones kind="shelf" count={4} />
    </Page>
  );
}

export function ProductBones() {
  return (
    <Page name="">
      <Skeleton label="The product is loading">
        <div className="grid gap-5 flat:grid-cols-[auto_minmax(0,1fr)] md:grid-cols-2 md:gap-10 lg:grid-cols-[minmax(0,1.1fr)_minmax(0,1fr)] lg:gap-16">
          <div className="lg:max-w-2xl">
            <PictureBone frame="page" />
          </div>
          <div className="flex flex-col gap-5 lg:pt-8">
            <Bone shape="short" />
            <Bone shape="title" />
            <Bone shape="block" />
            <Bone shape="control" />
          </div>
        </div>
      </Skeleton>
    </Page>
  );
}

export function OrdersBones() {
  return (
    <Page name="Your orders">
      <Title>Your orders</Title>
      <div className="mt-8">
        <OrderListBones />
      </div>
    </Page>
  );
}

export function OrderListBones() {
  return (
    <Skeleton label="Your orders are loading">
      <div className="flex flex-col gap-4">
        <Bone shape="block" />
        <Bone shape="block" />
        <Bone shape="block" />
      </div>
    </Skeleton>
  );
}

export const OrderBones = () => <PersonBones name="Your order" label="Your order is loading" />;

export function PersonBones({ name = '', label = 'The page is loading' }) {
  return (
    <Page name={name}>
      <Skeleton label={label}>
        <div className="flex flex-col gap-4">
          <Bone shape="title" />
          <Bone shape="tall" />
        </div>
      </Skeleton>
    </Page>
  );
}
